import cv2
import numpy as np
import pytest

from xai_heatmap.core.errors import BadArray, UnknownColormap
from xai_heatmap.render.colormaps import COLORMAPS, colored, named


def luminance(table):
    linear = (table / 255) ** 2.2
    return linear @ [0.2126, 0.7152, 0.0722]


def test_published_colours():
    inferno, viridis = named("inferno").table, named("viridis").table
    assert inferno[[0, 128, 255]].tolist() == [[0, 0, 4], [188, 55, 84], [252, 255, 164]]
    assert viridis[[0, 128, 255]].tolist() == [[68, 1, 84], [33, 145, 140], [253, 231, 37]]


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("jet", cv2.COLORMAP_JET),
        ("inferno", cv2.COLORMAP_INFERNO),
        ("viridis", cv2.COLORMAP_VIRIDIS),
    ],
)
def test_agrees_with_opencv_to_within_one_level(name, theirs):
    levels = np.arange(256, dtype=np.uint8)[:, None]
    wanted = cv2.applyColorMap(levels, theirs)[:, 0, ::-1]
    assert np.abs(named(name).table.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("name", COLORMAPS)
def test_tables_are_256_colours(name):
    table = named(name).table
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    assert named(name).name == name


@pytest.mark.parametrize("name", ["inferno", "viridis", "gray"])
def test_more_is_brighter(name):
    assert (np.diff(luminance(named(name).table)) >= -0.002).all()


def test_signed_evidence_darkens_both_ways_and_differs_in_hue():
    table = named("bluered").table.astype(int)
    light = luminance(table)
    assert (np.diff(light[:127]) > 0).all()
    assert (np.diff(light[129:]) < 0).all()
    assert np.ptp(table[127:129]) < 16
    assert table[0, 2] > 2 * table[0, 0]
    assert table[255, 0] > 2 * table[255, 2]


def test_signed_evidence_is_told_apart_by_red_green_blind_eyes():
    """Deuteranopia by Viénot, Brettel and Mollon (1999): of red and green one mixture is left."""
    linear = (named("bluered").table / 255) ** 2.2
    yellow = linear @ [0.29275, 0.70725, 0.0]
    blue = linear @ [-0.02234, 0.02234, 1.0]
    balance = (blue - yellow) / (blue + yellow)
    assert (balance[:100] > 0.05).all()
    assert (balance[156:] < -0.05).all()


def test_levels_of_a_sequential_map():
    heat = np.float32([[-1, 0, 0.5, 1, 2]])
    assert named("inferno").levels(heat).tolist() == [[0, 0, 128, 255, 255]]


def test_levels_of_a_diverging_map():
    heat = np.float32([[-2, -1, 0, 1, 2]])
    assert named("bluered").levels(heat).tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize("name", COLORMAPS)
def test_nothing_has_no_strength_and_the_ends_have_all(name):
    colors = named(name)
    zero = colors.levels(np.zeros((1, 1), np.float32))[0, 0]
    assert colors.strength[zero] == 0
    assert colors.strength[255] == 1
    assert colors.strength[0] == colors.diverging
    assert colors.strength.min() >= 0


def test_colored_looks_levels_up():
    heat = np.float32([[0, 1]])
    assert colored(heat, colormap="viridis").tolist() == [[[68, 1, 84], [253, 231, 37]]]
    assert colored(heat).tolist() == [[[0, 0, 4], [252, 255, 164]]]


def test_nan_is_refused():
    with pytest.raises(BadArray, match="NaN"):
        colored(np.float32([[np.nan]]))


def test_an_unknown_map_names_the_choices_and_the_nearest():
    with pytest.raises(UnknownColormap, match=r"inferno.*bluered.*Did you mean 'viridis'"):
        named("virdis")


@pytest.mark.parametrize("name", COLORMAPS)
def test_looking_levels_up_leaves_the_heat_alone(name):
    heat = np.linspace(-2, 2, 60, dtype=np.float32).reshape(6, 10)
    before = heat.copy()
    assert named(name).levels(heat).dtype == np.uint8
    np.testing.assert_array_equal(heat, before)
