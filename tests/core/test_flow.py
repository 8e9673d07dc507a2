"""Which layer every path crosses, on graphs small enough to see."""

import pytest

from xai_heatmap.core.layers.flow import Flow, surveyed
from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.network import Layer


def layer(name: str, size: int = 7) -> Layer:
    return Layer(name, (8, size, size), "Conv", Layout("channels_first", (size, size)))


def never(names):
    raise AssertionError("nobody has to look for gradients here")


def survey(sources, sites, *, sums=(), output=9, sizes=None):
    layers = {name: layer(name, (sizes or {}).get(name, 7)) for name in sites}
    return surveyed(layers, Flow(sources, 0, output, sites, frozenset(sums)), never)


def test_chain_gives_its_last_grid():
    found = survey({1: [0], 2: [1], 9: [2]}, {"a": 1, "b": 2})
    assert found.auto == "b"
    assert "every path" in found.reason
    assert "7x7" in found.reason


def test_one_place_is_no_grid():
    found = survey({1: [0], 2: [1], 9: [2]}, {"a": 1, "b": 2}, sizes={"b": 1})
    assert found.auto == "a"


def test_a_branch_that_is_bypassed_is_not_taken():
    sources = {1: [0], 2: [1], 3: [1], 4: [2, 3], 5: [4], 9: [5]}  # 4 joins branches 2 and 3
    assert survey(sources, {"stem": 1, "left": 2, "right": 3, "act": 5}).auto == "act"
    assert survey(sources, {"stem": 1, "left": 2, "right": 3}).auto == "stem"


def test_the_last_part_of_a_residual_sum_stands_for_the_sum():
    sources = {1: [0], 2: [1], 4: [1, 2], 9: [4]}
    found = survey(sources, {"stem": 1, "branch": 2}, sums=[4])
    assert found.auto == "branch"
    assert "sum" in found.reason


def test_a_branch_that_is_read_twice_does_not():
    sources = {1: [0], 2: [1], 4: [1, 2], 9: [4, 2]}
    assert survey(sources, {"stem": 1, "branch": 2}, sums=[4]).auto == "stem"


def test_a_layer_beside_the_way_is_not_taken():
    sources = {1: [0], 2: [1], 9: [1]}
    assert survey(sources, {"used": 1, "beside": 2}).auto == "used"


def test_without_a_crossing_the_last_grid_is_taken_and_said_so():
    sources = {1: [0], 2: [0], 9: [1, 2]}
    found = survey(sources, {"left": 1, "right": 2})
    assert found.auto == "right"
    assert "no layer is crossed" in found.reason


def test_without_any_grid_there_is_none():
    found = survey({1: [0], 9: [1]}, {"a": 1}, sizes={"a": 1})
    assert found.auto is None
    assert "no layer" in found.reason


@pytest.mark.parametrize("node", [1, 2])
def test_crossing_needs_the_output_to_depend_on_it(node):
    flow = Flow({1: [0], 2: [0], 9: [1]}, 0, 9, {}, frozenset())
    assert flow.crosses(node) == (node == 1)


def test_behind_a_class_token_the_places_have_to_carry_gradient():
    tokens = Layout("tokens", (7, 7), 1)
    layers = {name: Layer(name, (8, 7, 7), "Block", tokens) for name in ("a", "b", "c")}
    flow = Flow({1: [0], 2: [1], 3: [2], 9: [3]}, 0, 9, {"a": 1, "b": 2, "c": 3}, frozenset())
    asked = []

    def alive(names):
        asked.append(list(names))
        return {"a", "b"}

    found = surveyed(layers, flow, alive)
    assert found.auto == "b"
    assert "carry gradient" in found.reason
    assert asked == [["c", "b", "a"]]
    assert surveyed(layers, flow, lambda _: set()).auto == "c"


def test_the_last_crossed_layer_of_every_finer_grid_is_a_level():
    sources = {1: [0], 2: [1], 3: [2], 4: [3], 5: [3], 6: [4, 5], 9: [6]}
    sites = {"one": 1, "two": 2, "three": 3, "left": 4, "right": 5, "six": 6}
    sizes = {"one": 28, "two": 14, "three": 14, "left": 7, "right": 7, "six": 7}
    assert survey(sources, sites, sizes=sizes).levels == ("one", "three", "six")
    sizes |= {"one": 7}  # no finer than what comes after
    assert survey(sources, sites, sizes=sizes).levels == ("three", "six")


def test_a_finer_grid_that_can_be_bypassed_is_no_level():
    sources = {1: [0], 2: [1], 3: [1], 4: [2, 3], 9: [4]}
    sites, sizes = {"stem": 1, "branch": 2, "last": 4}, {"stem": 14, "branch": 28}
    assert survey(sources, sites, sizes=sizes).levels == ("stem", "last")


def test_without_a_crossing_there_is_one_level():
    sources = {1: [0], 2: [0], 9: [1, 2]}
    assert survey(sources, {"left": 1, "right": 2}).levels == ("right",)
