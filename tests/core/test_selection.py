"""What users say of layers, and what they hear when it fits none."""

from dataclasses import replace

import numpy as np
import pytest

from xai_heatmap.core.errors import NestedLayer, NoGrid, UnknownLayer
from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.layers.selection import (
    grids,
    joined,
    pyramid,
    select,
    several,
    spread,
    stages,
)
from xai_heatmap.core.network import INPUT, Layer, Survey


def layer(name, k, size):
    own = Layout("channels_first", (size, size)) if size else None
    return Layer(name, (k, size, size) if size else (k,), "Conv2d", own)


SURVEY = Survey(
    {
        x.name: x
        for x in [
            layer(INPUT, 3, 224),
            layer("stem", 8, 56),
            layer("vgg16/block1", 8, 28),
            layer("relu#1", 8, 14),
            layer("relu#2", 8, 14),
            layer("features", 8, 7),
            layer("pool", 8, 1),
            layer("fc", 10, 0),
        ]
    },
    "features",
    "because",
    ("stem", "vgg16/block1", "relu#2", "features"),
)
GRIDS = ["stem", "vgg16/block1", "relu#1", "relu#2", "features"]


def test_a_pyramid_is_a_layer_and_the_coarser_levels_behind_it():
    assert pyramid(SURVEY, "stem") == ["stem", "vgg16/block1", "relu#2", "features"]
    assert pyramid(SURVEY, "relu#1") == ["relu#1", "features"]
    assert pyramid(SURVEY, "features") == ["features"]
    assert pyramid(SURVEY, INPUT) == [INPUT, "stem", "vgg16/block1", "relu#2", "features"]


def test_stages_are_a_layer_and_the_last_level_before_it_that_is_as_fine():
    assert stages(SURVEY, "features") == ["features", "relu#2"]
    assert stages(SURVEY, "relu#2") == ["relu#2", "vgg16/block1"]
    assert stages(SURVEY, "stem") == ["stem"]
    assert stages(SURVEY, INPUT) == [INPUT]
    elsewhere = replace(SURVEY, levels=("stem", "relu#1"))  # a branch of the same grid goes on
    assert stages(elsewhere, "relu#2") == ["relu#2", "relu#1"]
    assert joined(SURVEY, "relu#2", {"stages", "pyramid"}) == ["relu#2", "features", "vgg16/block1"]
    assert joined(SURVEY, "relu#2", {"gradient"}) == ["relu#2"]


def test_auto_may_stand_for_the_finest_level():
    assert select(SURVEY, "auto", auto="finest") == ["stem"]
    assert select(replace(SURVEY, levels=()), "auto", auto="finest") == ["features"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("auto", ["features"]),
        ("all", GRIDS),
        ("stem", ["stem"]),
        (INPUT, [INPUT]),
        (-1, ["features"]),
        (0, ["stem"]),
        ("-2", ["relu#2"]),
        ("relu", ["relu#2"]),
        ("relu#1", ["relu#1"]),
        ("relu#*", ["relu#1", "relu#2"]),
        ("vgg16/*", ["vgg16/block1"]),
        (["features", "stem", -1], ["stem", "features"]),
        (["auto", "relu*"], ["relu#1", "relu#2", "features"]),
    ],
)
def test_selected(wanted, expected):
    assert select(SURVEY, wanted) == expected


def test_grids_leave_out_the_picture_and_single_places():
    assert grids(SURVEY) == GRIDS


@pytest.mark.parametrize(
    ("wanted", "error", "said"),
    [
        ("featuers", UnknownLayer, "Did you mean 'features'"),
        ("block1", NestedLayer, "Use 'vgg16/block1'"),
        ("zzz*", UnknownLayer, "No layer with a grid matches"),
        (9, UnknownLayer, "-5 to 4"),
        (-6, UnknownLayer, "-5 to 4"),
        ([], UnknownLayer, "empty"),
        (1.5, UnknownLayer, "float"),
        ("fc", NoGrid, "nearest layer that has one: 'features' (8x7x7)"),
        ("pool", NoGrid, "8x1x1"),
    ],
)
def test_refused_with_what_to_do(wanted, error, said, unchecked):
    with pytest.raises(error) as refused:
        select(SURVEY, wanted if not isinstance(wanted, float) else [wanted])
    assert said in str(refused.value)


def test_several_is_told_from_the_wording():
    assert [several(w) for w in ("auto", "stem", -1, "all", "a*", ["stem"])] == [False] * 3 + [
        True
    ] * 3


def test_spread_takes_outer_parts_first_and_what_is_kept():
    names = ["a", "a.1", "a.1.x", "a.2", "b", "b.1", "b.1.x", "b.2"]
    assert spread(names, most=99) == names
    assert spread(names, most=2) == ["a", "b"]
    assert spread(names, most=3, kept="b.1.x") == ["a", "b", "b.1.x"]
    flat = [str(i) for i in range(100)]
    assert len(spread(flat, most=12)) == 12
    gaps = np.diff([int(name) for name in spread(flat, most=12)])
    assert gaps.min() >= 8
    assert gaps.max() <= 9


@pytest.mark.parametrize("wanted", ["auto", "all", "pool"])
def test_grids_of_one_place_ask_for_a_larger_picture(wanted):
    layers = {x.name: x for x in [layer(INPUT, 3, 8), layer("pool", 8, 1), layer("fc", 10, 0)]}
    with pytest.raises(NoGrid, match=r"picture of 8x8 .* larger"):
        select(Survey(layers, None, ""), wanted)


def test_a_network_without_any_grid_does_not_ask_for_a_larger_picture():
    layers = {x.name: x for x in [layer(INPUT, 3, 8), layer("fc", 10, 0)]}
    with pytest.raises(NoGrid) as said:
        select(Survey(layers, None, ""), "auto")
    assert "larger one" not in str(said.value)
