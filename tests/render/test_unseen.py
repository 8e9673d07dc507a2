import numpy as np
import PIL.Image
import pytest

from xai_heatmap.core.geometry import cropped, letterboxed, placed, stretched
from xai_heatmap.render import unseen
from xai_heatmap.render.ground import STEPS, muted
from xai_heatmap.render.unseen import LIGHT, LINE, dimmed


def photograph(rows, columns):
    return np.random.default_rng(0).integers(60, 200, (rows, columns, 3)).astype(np.uint8)


def test_what_was_seen_is_as_it_was_and_the_rest_is_dark_and_grey():
    image = photograph(48, 96)
    drawn = dimmed(image, cropped((48, 96), (24, 24), ratio=0.75))
    left, top, right, bottom = cropped((48, 96), (24, 24), ratio=0.75).seen
    assert (left, top, right, bottom) == (30, 6, 66, 42)
    np.testing.assert_array_equal(drawn[top:bottom, left:right], image[top:bottom, left:right])
    assert (drawn[top - 1, left:right] == LINE).all()
    assert (drawn[top:bottom, right] == LINE).all()
    outside = drawn[:, :20].astype(float)
    assert outside.max() < LIGHT * image.max() + 1
    assert np.ptp(outside, axis=-1).mean() < 0.3 * np.ptp(image[:, :20], axis=-1).mean()


def test_an_edge_of_the_picture_itself_has_no_line():
    image = photograph(40, 80)
    drawn = dimmed(image, cropped((40, 80), (20, 20), ratio=1.0))
    np.testing.assert_array_equal(drawn[:, 20:60], image[:, 20:60])
    assert (drawn[:, 19] == LINE).all()


def test_a_picture_that_was_seen_whole_stays_as_it_is():
    image = photograph(30, 50)
    for fit in (stretched, letterboxed):
        assert dimmed(image, fit((30, 50), (24, 24))) is image


def test_what_was_turned_is_dimmed_around_its_own_edges():
    geometry = placed((60, 90), (1.03, 0.61, 10.3, -0.57, 1.01, 30.2), (30, 30))
    image = photograph(60, 90)
    drawn = dimmed(image, geometry)
    inside = np.zeros((60, 90), bool)
    for row, column in np.ndindex(60, 90):
        u, v = geometry.to_input(column + 0.5, row + 0.5)
        inside[row, column] = 0 <= u < 30 and 0 <= v < 30
    assert 0.1 < inside.mean() < 0.5
    np.testing.assert_array_equal(drawn[inside], image[inside])
    line = (drawn == LINE).all(axis=-1)
    assert line.any()
    assert (drawn[~inside & ~line].astype(float) <= LIGHT * image[~inside & ~line].max() + 1).all()


def test_a_picture_that_was_flipped_whole_stays_as_it_is():
    image = photograph(30, 50)
    flipped = placed((30, 50), (-1.0, 0.0, 50.0, 0.0, 1.0, 0.0), (30, 50))
    assert flipped.matrix is not None
    assert dimmed(image, flipped) is image


def test_only_what_was_not_seen_is_reckoned_dim(monkeypatch):
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    before, pixels, real = image.copy(), [], unseen.mute_all

    def seen(strip, **how):
        pixels.append(strip.size[0] * strip.size[1])
        return real(strip, **how)

    monkeypatch.setattr(unseen, "mute_all", seen)
    view = placed((60, 90), (1.0, 0.0, 20.0, 0.0, 1.0, 10.0), (40, 50))
    shown = dimmed(image, view)
    assert sum(pixels) == 60 * 90 - 50 * 40
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(shown[10:50, 20:70], image[10:50, 20:70])
    whole = muted(image, grey=unseen.GREY, light=LIGHT)
    np.testing.assert_array_equal(shown[:, 75:], whole[:, 75:])
    np.testing.assert_array_equal(shown[:5], whole[:5])


@pytest.mark.parametrize(("grey", "light"), [*STEPS[1:], (unseen.GREY, unseen.LIGHT)])
def test_muting_is_its_formula_to_the_nearest_level(grey, light):
    image = np.random.default_rng(1).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    luma = image @ np.array([0.299, 0.587, 0.114])
    wanted = light * ((1 - grey) * image + grey * luma[..., None])
    assert np.abs(muted(image, grey=grey, light=light) - wanted).max() <= 0.501


def test_muting_is_within_two_levels_of_rounding_at_each_step():
    image = np.random.default_rng(2).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    for grey, light in (*STEPS[1:], (unseen.GREY, unseen.LIGHT)):
        picture = PIL.Image.fromarray(image)
        picture = PIL.Image.blend(picture, picture.convert("L").convert("RGB"), grey)
        wanted = np.rint(np.asarray(picture) * light)
        assert np.abs(muted(image, grey=grey, light=light) - wanted).max() <= 2
