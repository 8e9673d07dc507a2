import numpy as np
import pytest

from xai_heatmap.core.errors import BadOption
from xai_heatmap.render.matrix import ALARM, BLANK, Block, Strip, Tile, matrix

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def picture(color, rows=40, columns=60):
    return np.broadcast_to(np.uint8(color), (rows, columns, 3)).copy()


def place(page, color):
    """Top, left, bottom, right of a colour."""
    rows, columns = np.nonzero((page == color).all(axis=-1))
    return rows.min(), columns.min(), rows.max() + 1, columns.max() + 1


def page(*strips, columns=("a", "b"), **options):
    return matrix(picture((9, 9, 200)), "title", ["fact"], [Block(columns, strips)], **options)


def strip(*colors, name="layer"):
    return Strip(name, ["3x4"], [Tile(picture(color), "ok") for color in colors])


def test_columns_stand_beside_and_strips_below_each_other():
    drawn = page(strip(RED, GREEN), strip(BLUE, (0, 0, 0)))
    red, green, blue = (place(drawn, color) for color in (RED, GREEN, BLUE))
    assert red[0] == green[0] < red[2] <= blue[0]
    assert red[3] <= green[1]
    assert red[1] == blue[1]


@pytest.mark.parametrize("width", [100, 250])
def test_tiles_are_as_wide_as_asked_and_keep_their_aspect(width):
    top, left, bottom, right = place(page(strip(RED, GREEN), width=width), RED)
    assert (bottom - top, right - left) == (round(width * 40 / 60), width)


def test_a_place_without_a_picture_is_blank_and_says_why():
    refused = Tile(None, "refused", alarming=True, words="it needs a layer of another kind " * 9)
    drawn = page(Strip("layer", [], [refused, Tile(picture(RED), "ok")]))
    top, left, bottom, right = place(drawn, BLANK)
    inside = drawn[top:bottom, left:right]
    assert (inside != BLANK).any(axis=-1).sum() > 100
    assert (drawn == ALARM).all(axis=-1).any()
    clean = page(strip(RED, GREEN))
    assert not (clean == ALARM).all(axis=-1).any()


@pytest.mark.slow
def test_words_stay_within_their_place():
    endless = Tile(None, "c" * 300, words="w" * 300)
    short = Tile(None, "c", words="w")
    pages = [
        page(Strip("n" * 300, ["x" * 300], [one, Tile(picture(RED))])) for one in (endless, short)
    ]
    assert place(pages[0], RED) == place(pages[1], RED)
    top, left, bottom, right = place(pages[0], RED)
    assert (pages[0][top:bottom, left:right] == RED).all()


def test_a_second_block_has_column_names_of_its_own():
    blocks = [Block(["a"], [strip(RED)]), Block(["b", "c"], [strip(GREEN, BLUE)])]
    drawn = matrix(picture((9, 9, 200)), "title", [], blocks)
    red, green = place(drawn, RED), place(drawn, GREEN)
    assert green[1] == red[1]
    assert green[0] - red[2] > 30


def test_a_strip_with_a_tile_too_few_is_refused():
    with pytest.raises(BadOption, match="a tile for every column"):
        page(strip(RED))
    with pytest.raises(BadOption, match="at least one block"):
        matrix(picture(RED), "title", [], [])
