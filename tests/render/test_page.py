import pytest

from xai_heatmap.render.fonts import font
from xai_heatmap.render.page import elided, number


def test_short_text_stays():
    assert elided("gradcam", 1000, using=font(16)) == "gradcam"


def test_long_text_loses_its_middle_and_fits():
    name = "photographs_of_the_year_2026_final_version_03.jpg"
    shown = elided(name, 150, using=font(16))
    assert font(16).getlength(shown) <= 150
    head, tail = shown.split("...")
    assert len(head) > 3
    assert name.startswith(head)
    assert name.endswith(tail)
    assert tail.endswith(".jpg")


def test_what_is_wider_than_any_space_disappears():
    assert elided("abc", 1, using=font(16)) == ""


def test_line_breaks_become_spaces():
    assert elided("a\nb\tc", 1000, using=font(16)) == "a b c"


def test_letters_grow_with_the_font():
    assert font(32).getlength("heat") == pytest.approx(2 * font(16).getlength("heat"), rel=0.1)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.012345, "0.0123"), (-12.0, "-12"), (1234567.0, "1.23e+06")]
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text
