import numpy as np
import pytest

from xai_heatmap.render import fonts
from xai_heatmap.render.fonts import font, has, legible, suited
from xai_heatmap.render.sheet import sheet

BLANK = np.zeros((20, 20, 3), np.uint8)


def test_english_is_written_in_the_font_that_pillow_brings():
    own = font(16)
    assert suited("tabby cat, 0.83 · layer4.2 - (7x7)", own) is own
    assert has("dog's", own)


@pytest.mark.parametrize(
    "text", ["Schäferhund", "Сибирский кот", "γάτα", "柴犬", "قط سيامي", "חתול"]
)
def test_letters_that_it_lacks_are_seen_to_be_missing(text):
    assert not has(text, font(16))
    other = suited(text, font(16))
    assert has(text, other) == (other is not font(16))
    assert other.size == 16


def test_another_installed_font_is_taken_for_them(monkeypatch):
    """One that is known to have them: the test brings its own idea of what is installed."""
    asked = []

    def installed(name, size):
        asked.append((name, size))
        return font(size + 1) if name == "arial.ttf" else None

    monkeypatch.setattr(fonts, "_installed", installed)
    monkeypatch.setattr(fonts, "has", lambda text, using: using is font(21))
    assert suited("柴犬", font(20)) is font(21)
    assert ("arial.ttf", 20) in asked


def test_without_any_font_the_usual_one_stays(monkeypatch):
    monkeypatch.setattr(fonts, "_installed", lambda name, size: None)
    assert suited("柴犬", font(20)) is font(20)
    assert not legible(["柴犬"], font(20))
    assert legible(["dog"], font(20))


def test_what_runs_from_right_to_left_needs_a_layout_that_turns_it(monkeypatch):
    monkeypatch.setattr(fonts.PIL.features, "check", lambda name: False)
    assert not has("قط", font(16))


def test_titles_are_written_in_it(monkeypatch):
    monkeypatch.setattr(fonts, "_installed", lambda name, size: None)
    boxes = sheet([BLANK], ["äöü"], size=200)
    monkeypatch.setattr(fonts, "_installed", lambda name, size: font(size + 9))
    monkeypatch.setattr(fonts, "has", lambda text, using: text.isascii() or using.size > 20)
    assert (sheet([BLANK], ["äöü"], size=200) != boxes).any()
