import numpy as np
import pytest

from xai_heatmap.core.errors import BadOption
from xai_heatmap.render.sheet import sheet

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def tile(color, rows=40, columns=60):
    return np.broadcast_to(np.uint8(color), (rows, columns, 3)).copy()


def place(page, color):
    """Top, left, bottom, right of a colour."""
    rows, columns = np.nonzero((page == color).all(axis=-1))
    return rows.min(), columns.min(), rows.max() + 1, columns.max() + 1


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (1000, 30), (7, 7)])
def test_tiles_keep_their_aspect_and_take_the_size(shape):
    top, left, bottom, right = place(sheet([tile(RED, *shape)], ["a"], size=240), RED)
    assert max(bottom - top, right - left) == 240
    assert (bottom - top) / (right - left) == pytest.approx(shape[0] / shape[1], rel=0.1)


def test_tiles_are_in_reading_order():
    page = sheet([tile(RED), tile(GREEN), tile(BLUE)], ["r", "g", "b"], columns=2, size=100)
    red, green, blue = (place(page, color) for color in (RED, GREEN, BLUE))
    assert red[0] == green[0]
    assert red[3] < green[1]
    assert blue[0] > red[2]
    assert blue[1] == red[1]


def test_columns_are_obeyed():
    tiles, titles = [tile(RED)] * 6, ["t"] * 6
    row = sheet(tiles, titles, columns=6, size=50)
    column = sheet(tiles, titles, columns=1, size=50)
    assert row.shape[1] > 4 * row.shape[0] / 2
    assert column.shape[0] > 4 * column.shape[1]


@pytest.mark.parametrize("count", [1, 2, 5, 12, 60])
def test_any_number_makes_a_page_about_as_wide_as_a_screen(count):
    page = sheet([tile(RED, 60, 60)] * count, [str(i) for i in range(count)], size=60)
    assert page.dtype == np.uint8
    assert (page == RED).all(axis=-1).sum() == count * 3600
    if count >= 5:
        assert 0.7 < page.shape[1] / page.shape[0] < 3


def test_titles_are_written_below_their_tiles():
    page = sheet([tile(RED)], ["gradcam"], size=200)
    _, left, bottom, right = place(page, RED)
    words = page[bottom:].max(axis=-1) < 100
    assert words.sum() > 50
    columns = np.nonzero(words.any(axis=0))[0]
    assert columns.mean() == pytest.approx((left + right) / 2, abs=6)


def test_tiles_of_one_row_stand_on_one_line_and_rows_waste_no_space():
    tiles = [tile(RED, 20, 80), tile(GREEN, 80, 80), tile(BLUE, 20, 80)]
    page = sheet(tiles, ["r", "g", "b"], columns=2, size=80)
    assert place(page, RED)[2] == place(page, GREEN)[2]
    assert page.shape[0] < 80 + 20 + 120


def test_long_titles_stay_within_their_tile():
    page = sheet([tile(RED), tile(GREEN)], ["long " * 40, "x"], columns=2, size=200)
    _, _, bottom, right = place(page, RED)
    green_left = place(page, GREEN)[1]
    between = page[bottom:, right:green_left]
    assert (between == 255).all()


def test_text_and_heading_are_obeyed():
    plain = sheet([tile(RED)], ["a"], size=100)
    assert sheet([tile(RED)], ["a"], size=100, text=40).shape[0] > plain.shape[0]
    headed = sheet([tile(RED)], ["a"], size=100, heading="Tabby")
    assert headed.shape[0] > plain.shape[0]
    top = place(headed, RED)[0]
    assert (headed[:top].max(axis=-1) < 100).sum() > 30


def test_small_tiles_show_their_own_pixels():
    checks = np.zeros((2, 2, 3), np.uint8)
    checks[0, 0] = checks[1, 1] = RED
    page = sheet([checks], [""], size=100)
    assert (page == RED).all(axis=-1).sum() == 5000


@pytest.mark.parametrize(
    ("tiles", "titles", "options"),
    [
        ([], [], {}),
        ([tile(RED)], [], {}),
        ([tile(RED)], ["a"], {"columns": 0}),
        ([tile(RED)], ["a"], {"size": 0}),
        ([tile(RED)], ["a"], {"text": 0}),
    ],
)
def test_bad_arguments_are_refused(tiles, titles, options):
    with pytest.raises(BadOption, match="received"):
        sheet(tiles, titles, **options)
