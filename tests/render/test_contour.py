import numpy as np
import pytest

from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.render.contour import contour


def hill(size=101):
    """A cone: 1 in the middle, 0 beside the edges."""
    y, x = np.mgrid[:size, :size] - size // 2
    return np.maximum(1 - np.hypot(y, x) / (size // 2), 0).astype(np.float32)


def flat(value, size=101):
    return np.full((size, size, 3), value, np.uint8)


def touched(image, drawn):
    return (image != drawn).any(axis=-1)


def distances(mask):
    y, x = np.nonzero(mask)
    centre = mask.shape[0] // 2
    return np.hypot(y - centre, x - centre)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_shows_on_any_background_at_half_of_the_maximum(value):
    image = flat(value)
    drawn = contour(image, hill())
    where = distances(np.abs(drawn.astype(int) - value).max(axis=-1) > 100)
    assert len(where) > 100
    assert np.abs(where - 25).max() < 5


def test_levels_are_obeyed():
    image = flat(100)
    one = distances(touched(image, contour(image, hill(), levels=(0.8,))))
    assert np.abs(one - 10).max() < 5
    both = distances(touched(image, contour(image, hill(), levels=(0.8, 0.2))))
    assert both.min() < 12
    assert both.max() > 37


def test_width_is_obeyed():
    image = flat(100)
    counts = [
        (contour(image, hill(), width=width) > 240).all(axis=-1).sum() for width in (1.0, 3.0, 6.0)
    ]
    circle = 2 * np.pi * 25
    assert counts[0] < counts[1] < counts[2]
    assert counts[2] == pytest.approx(6 * circle, rel=0.4)


def test_the_line_grows_with_the_picture():
    small = contour(flat(0), hill()).max(axis=-1)
    large = contour(flat(0, 1001), hill(1001))
    assert (large.max(axis=-1) > 128).sum() > 20 * (small > 128).sum()


def test_color_is_obeyed():
    drawn = contour(flat(0), hill(), color=(0, 255, 0))
    assert drawn[..., 1].max() == 255
    assert drawn[..., 0].max() == 0


def test_negative_levels_outline_evidence_against():
    image = flat(100)
    where = distances(touched(image, contour(image, -hill(), levels=(-0.5,))))
    assert np.abs(where - 25).max() < 5


def test_without_relevance_nothing_is_drawn():
    image = flat(100)
    drawn = contour(image, np.zeros((101, 101), np.float32))
    np.testing.assert_array_equal(drawn, image)
    assert drawn is not image


def test_a_region_at_the_picture_s_edge_is_open_there():
    image, half = flat(100), np.zeros((101, 101), np.float32)
    half[:, :50] = 1
    drawn = touched(image, contour(image, half))
    assert drawn[:, 45:55].any(axis=1).all()
    assert not drawn[:, :40].any()


@pytest.mark.usefixtures("unchecked")
def test_bad_arguments_are_refused():
    with pytest.raises(BadArray, match="one size"):
        contour(flat(0), hill(99))
    with pytest.raises(BadOption, match="above 0"):
        contour(flat(0), hill(), width=0.0)
