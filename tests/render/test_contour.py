import math

import numpy as np
import PIL.Image
import PIL.ImageFilter
import pytest

from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.render.contour import BLACK, WHITE, contour


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


def outlined_at_once(image, heat, width):
    """The outline drawn over the whole picture: nothing is left out."""
    inside = heat >= 0.5
    out = np.pad(~inside, 1)
    beside = out[:-2, 1:-1] | out[2:, 1:-1] | out[1:-1, :-2] | out[1:-1, 2:]
    edge = PIL.Image.fromarray((inside & beside).astype(np.uint8) * 255)
    picture = PIL.Image.fromarray(image)
    for shade, wide in ((BLACK, 2 * width), (WHITE, width)):
        sigma = max(wide / 2, 0.8)
        peak = 255 / (sigma * math.sqrt(2 * math.pi))
        flank = peak * math.exp(-((wide / 2) ** 2) / (2 * sigma**2))
        share = [min(max((at - flank) / (0.25 * peak) + 0.5, 0), 1) for at in range(256)]
        ridge = edge.filter(PIL.ImageFilter.GaussianBlur(sigma))
        picture.paste(shade, mask=ridge.point([round(255 * own) for own in share]))
    return np.array(picture)


@pytest.mark.parametrize("width", [0.7, 1.0, 2.0, 3.5, 6.0])
@pytest.mark.parametrize("seed", range(3))
def test_pieces_of_an_outline_are_drawn_as_the_whole(width, seed):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:240, :330]
    heat = np.zeros((240, 330), np.float32)
    for row, column, size in rng.uniform((0, 0, 4), (240, 330, 70), (6, 3)):
        heat = np.maximum(heat, np.exp(-((y - row) ** 2 + (x - column) ** 2) / size**2))
    image = rng.integers(0, 256, (240, 330, 3), dtype=np.uint8)
    heat = heat.astype(np.float32)
    drawn = contour(image, heat, width=width)
    np.testing.assert_array_equal(drawn, outlined_at_once(image, heat, width))
    assert not np.array_equal(drawn, image)


def test_what_an_outline_runs_around_is_not_blurred(monkeypatch):
    pixels, real = [], PIL.Image.Image.filter

    def counted(own, kernel):
        pixels.append(own.size[0] * own.size[1])
        return real(own, kernel)

    monkeypatch.setattr(PIL.Image.Image, "filter", counted)
    contour(flat(0, 801), hill(801), levels=(0.1,))
    assert 0 < sum(pixels) / 2 < 0.45 * 801**2
