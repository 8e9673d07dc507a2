import time

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.core.errors import BadArray, BadOption, UnknownColormap
from xai_heatmap.core.geometry import cropped
from xai_heatmap.render.colormaps import named
from xai_heatmap.render.contour import contour
from xai_heatmap.render.ground import ground
from xai_heatmap.render.heat import heat, scaled
from xai_heatmap.render.overlay import overlay
from xai_heatmap.render.photograph import photograph
from xai_heatmap.render.unseen import dimmed
from xai_heatmap.testing.oracles import overlay_by_loops


def photo(*size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def warmth(*size, seed=1):
    return np.random.default_rng(seed).random(size).astype(np.float32)


@pytest.mark.parametrize("alpha", [0.3, 0.75, 1.0])
@pytest.mark.parametrize("colormap", ["inferno", "viridis", "jet", "gray"])
def test_agrees_with_the_slow_loops(alpha, colormap):
    image, relevance = photo(9, 13), warmth(9, 13)
    colors = named(colormap)
    wanted = overlay_by_loops(image, relevance, colors.table, colors.strength, alpha=alpha)
    drawn = overlay(image, relevance, colormap=colormap, alpha=alpha)
    assert drawn.dtype == np.uint8
    assert drawn.shape == image.shape
    assert np.abs(drawn - wanted).max() <= 1.5


def test_without_relevance_the_photograph_is_untouched():
    image = photo(8, 9)
    for colormap in ("inferno", "jet", "bluered"):
        drawn = overlay(image, np.zeros((8, 9), np.float32), colormap=colormap)
        np.testing.assert_array_equal(drawn, image)


def test_negative_values_show_in_a_diverging_map_alone():
    image, against = photo(4, 4), np.full((4, 4), -1, np.float32)
    np.testing.assert_array_equal(overlay(image, against), image)
    drawn = overlay(image, against, colormap="bluered", alpha=1.0)
    assert (drawn == named("bluered").table[0]).all()


def test_full_relevance_at_alpha_one_is_the_colour():
    drawn = overlay(photo(2, 2), np.ones((2, 2), np.float32), alpha=1.0)
    assert (drawn == named("inferno").table[255]).all()


def test_alpha_is_obeyed():
    image, relevance = photo(4, 4), np.ones((4, 4), np.float32)
    np.testing.assert_array_equal(overlay(image, relevance, alpha=0.0), image)
    assert not np.array_equal(
        overlay(image, relevance, alpha=0.4), overlay(image, relevance, alpha=0.9)
    )


def test_without_fading_the_opacity_is_the_same_everywhere():
    image = photo(4, 4)
    drawn = overlay(image, np.zeros((4, 4), np.float32), colormap="jet", alpha=0.5, fade=False)
    wanted = 0.5 * image + 0.5 * np.array([0, 0, 128])
    assert np.abs(drawn - wanted).max() <= 1


def test_one_white_pixel_changes_nothing_elsewhere():
    """The seed divided by the picture's own maximum, so that a video flickered."""
    image, relevance = np.full((5, 5, 3), 120, np.uint8), warmth(5, 5)
    brighter = image.copy()
    brighter[0, 0] = 255
    before, after = overlay(image, relevance), overlay(brighter, relevance)
    np.testing.assert_array_equal(before[1:], after[1:])


def test_arguments_are_left_alone():
    image, relevance = photo(6, 6), warmth(6, 6)
    kept_image, kept_relevance = image.copy(), relevance.copy()
    overlay(image, relevance)[...] = 0
    np.testing.assert_array_equal(image, kept_image)
    np.testing.assert_array_equal(relevance, kept_relevance)


@pytest.mark.usefixtures("unchecked")
def test_other_sizes_are_refused():
    with pytest.raises(BadArray, match=r"\(4, 5\) and \(5, 4\)"):
        overlay(photo(4, 5), warmth(5, 4))


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_an_impossible_alpha_is_refused(alpha):
    with pytest.raises(BadOption, match=r"\[0, 1\]"):
        overlay(photo(2, 2), warmth(2, 2), alpha=alpha)


def test_an_unknown_colour_map_is_refused():
    with pytest.raises(UnknownColormap, match="Did you mean 'inferno'"):
        overlay(photo(2, 2), warmth(2, 2), colormap="infreno")


def test_a_photograph_is_drawn_faster_than_by_one_blend_of_floats():
    """Of the processor's time, on the same picture in turns: a third of it on one core."""
    image, map_ = photo(720, 1280), warmth(7, 7)
    geometry = cropped((720, 1280), (224, 224))
    relevance = scaled(heat(map_, geometry))
    table = named("inferno").table

    def blended():
        opacity = 0.75 * relevance[..., None]
        colours = table[(255 * relevance).astype(np.uint8)]
        return (image * (1 - opacity) + colours * opacity).round().astype(np.uint8)

    def taken(draw):
        start = time.thread_time()
        draw()
        return time.thread_time() - start

    drawn, plain = (lambda: overlay(image, scaled(heat(map_, geometry)))), blended
    pairs = [(taken(drawn), taken(plain)) for _ in range(5)]
    assert min(own for own, _ in pairs) < min(other for _, other in pairs)


@pytest.mark.reference
def test_photographs(reference):
    """What is drawn on a photograph stays inside of what the network saw."""
    for path in sorted((reference / "images").iterdir()):
        with PIL.Image.open(path) as opened:
            image = np.array(opened.convert("RGB"))
        geometry = cropped(image.shape[:2], (224, 224))
        drawn = overlay(image, scaled(heat(warmth(7, 7) + 0.5, geometry)))
        left, top, right, bottom = geometry.seen
        changed = (drawn != image).any(axis=-1)
        assert changed[top:bottom, left:right].mean() > 0.95
        changed[top:bottom, left:right] = False
        assert not changed.any()


def test_a_drawn_photograph_goes_to_pillow_and_back_once(monkeypatch):
    rng, real, handed = np.random.default_rng(0), PIL.Image.fromarray, []

    def counted(array, *given):
        handed.append(array.shape)
        return real(array, *given)

    image = rng.integers(0, 256, (120, 200, 3), dtype=np.uint8)
    geometry = cropped((120, 200), (24, 24), ratio=0.875)
    drawn_over = scaled(heat(rng.random((6, 6)).astype(np.float32), geometry))
    monkeypatch.setattr(PIL.Image, "fromarray", counted)
    drawn = photograph(
        image, drawn_over, colormap="inferno", alpha=0.75, mute=None, outlined=True,
        geometry=geometry,
    )  # fmt: skip
    assert handed.count((120, 200, 3)) == 1
    monkeypatch.undo()
    under = ground(image, drawn_over, colormap="inferno", alpha=0.75)
    one_by_one = contour(dimmed(overlay(under, drawn_over), geometry), drawn_over)
    np.testing.assert_array_equal(drawn, one_by_one)


def test_nothing_is_drawn_where_there_is_no_heat():
    image = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(overlay(image, np.zeros((9, 9), np.float32)), image)
    spot = np.zeros((9, 9), np.float32)
    spot[2:4, 5:8] = 1
    np.testing.assert_array_equal((overlay(image, spot) != image).any(-1), spot > 0)
