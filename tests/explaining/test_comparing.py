"""Methods beside each other where some refuse."""

from dataclasses import replace

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap import scenes
from xai_heatmap.core.errors import BadOption, NoRule, UnknownTarget
from xai_heatmap.explaining.grid import Refusal, grid_rows

LAYERS = [str(i) for i in range(8)]


@pytest.fixture(scope="module")
def one():
    return xh.explain(xh.network("demo"), scenes.scene(3, size=64).image)


class Asked:
    """Answers maps that are each layer's own, but where it is told to refuse."""

    def __init__(self, one, *, refuse=(), error=BadOption, maps=None):
        self.one, self.refuse, self.error, self.maps = one, set(refuse), error, maps or {}
        self.calls = []

    def __call__(self, targets, methods, layers):
        self.calls.append(("".join(methods), *layers))
        for method in methods:
            if self.refuse & {(method, layer) for layer in layers}:
                raise self.error(f"{method} can't")
        return {
            (number, method, layer): self.explanation(method, layer)
            for number in targets
            for method in methods
            for layer in layers
        }

    def explanation(self, method, layer):
        value = self.maps.get(layer, float(layer) + 1)
        own = np.full((4, 4), value, np.float32)
        return replace(self.one, method=method, layer=replace(self.one.layer, name=layer), map=own)


def test_methods_that_never_refuse_are_asked_together(one):
    ask = Asked(one)
    (found,) = grid_rows(ask, ["a", "b"], LAYERS)
    assert ask.calls == [("ab", *LAYERS)]
    assert [line.layer for line in found] == LAYERS
    assert [cell.method for cell in found[0].cells] == ["a", "b"]


@pytest.mark.parametrize("error", [BadOption, NoRule])
@pytest.mark.parametrize("layers", [{"0"}, {"3", "4"}, {"7"}, set(LAYERS)])
def test_exactly_the_layers_that_refuse_are_refused(one, layers, error):
    ask = Asked(one, refuse={("a", layer) for layer in layers}, error=error)
    (found,) = grid_rows(ask, ["a", "b"], LAYERS)
    refused = {line.layer for line in found if isinstance(line.cells[0], Refusal)}
    assert refused == layers
    assert not any(isinstance(line.cells[1], Refusal) for line in found)
    assert all(type(line.cells[0].error) is error for line in found if line.layer in layers)
    assert [line.layer for line in found] == LAYERS


def test_a_lone_refusal_among_many_layers_takes_few_calls(one):
    ask = Asked(one, refuse={("a", "5")})
    grid_rows(ask, ["a"], LAYERS)
    assert len(ask.calls) == 1 + 2 * 3


def test_where_everything_is_refused_the_first_reason_is_raised(one):
    ask = Asked(one, refuse={(method, layer) for method in "ab" for layer in LAYERS})
    with pytest.raises(BadOption, match="a can't"):
        grid_rows(ask, ["a", "b"], LAYERS)


def test_what_is_no_refusal_is_raised_at_once(one):
    ask = Asked(one, refuse={("a", "0")}, error=UnknownTarget)
    with pytest.raises(UnknownTarget):
        grid_rows(ask, ["a"], LAYERS)
    assert len(ask.calls) == 1


def test_layers_that_look_the_same_share_a_line_unless_they_are_empty(one):
    ask = Asked(one, maps={"2": 5.0, "4": 5.0, "5": 0.0, "6": 0.0}, refuse={("b", "2")})
    (found,) = grid_rows(ask, ["a"], LAYERS)
    assert {line.layer: line.same for line in found if line.same} == {"2": ("4",)}
    assert {"5", "6"} <= {line.layer for line in found}
    (apart,) = grid_rows(ask, ["a", "b"], LAYERS)  # b refuses one of them
    assert not any(line.same for line in apart)
