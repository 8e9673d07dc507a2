"""Scores and maps of Keras models come out of one program, several targets out of one pass."""

from typing import Any

import numpy as np
import pytest

import xai_heatmap as xh

pytest.importorskip("keras", reason="needs Keras")

import keras
from keras import layers

from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.keras import formulas
from xai_heatmap.networks.keras.structure import Inventory, layers_in
from xai_heatmap.testing import conformance
from xai_heatmap.testing.conformance.programs import by_passes, maps

PICTURE = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)

programs = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="Keras on PyTorch has no fused programs"
)


def small() -> Any:
    keras.utils.set_random_seed(0)  # weights whose maps have a strongest place that settles them
    inputs = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(inputs)
    pooled = layers.MaxPooling2D(name="pooled")(first)
    second = layers.Conv2D(5, 3, padding="same", name="second")(pooled)
    return keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling2D()(second)))


def pictures(number: int) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(conformance.images(number), 1, -1))


def close(one: Any, other: Any) -> None:
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


@pytest.fixture
def runs(monkeypatch):
    """What an engine of Keras was asked for, in order, with every way back to maps."""
    seen: list[str] = []
    network: Any = xh.network(small())
    kind = type(network._own_engine)

    def told(name, way):
        def run(self, *given, **how):
            seen.append(name)
            return way(self, *given, **how)

        return run

    def mapping(self, *given, **how):
        seen.append("forward")
        passed = kept(self, *given, **how)
        return type(passed)(passed.scores, lambda own: (seen.append("back"), passed.pull(own))[1])

    kept = kind.mapping
    for name in ("record", "fused"):
        monkeypatch.setattr(kind, name, told(name, getattr(kind, name)))
    monkeypatch.setattr(kind, "mapping", mapping)
    return seen


@programs
def test_a_map_is_one_program_and_sees_changed_weights(runs):
    model = small()
    network, x = xh.network(model), pictures(2)
    maps(network, x, target=2)
    del runs[:]
    before = maps(network, x, target=2)
    kernel = model.get_layer("second").kernel
    kernel.assign(kernel * -2)
    after = maps(network, x, target=2)
    assert runs == ["fused", "fused"]
    assert np.abs(after - before).max() > 1e-3
    close(after, maps(by_passes(network), x, target=2))


@programs
@pytest.mark.parametrize("layer", ["second", "all"])
def test_several_targets_are_one_forward_pass_and_a_way_back_each(runs, layer):
    network = xh.network(small())
    asked = {"preprocess": "unit", "layers": layer, "targets": [xh.top(1), xh.top(3), xh.margin()]}
    found = xh.compare(network, PICTURE, **asked)
    assert runs == ["forward", "back", "back", "back"]
    other = xh.compare(by_passes(network), PICTURE, **asked)
    for one, by in zip(found, other, strict=True):
        assert (one.layer, one.target, one.verdict.word) == (by.layer, by.target, by.verdict.word)
        close(one.map, by.map)


@programs
def test_layers_that_a_strongest_place_leaves_open_share_one_pass(runs):
    """Of a network that is dead behind its layers, every one of them needs its whole gradient."""
    model = small()
    kernel = model.get_layer("second").kernel
    kernel.assign(kernel * 0)
    network: Any = xh.network(model)
    ways = []
    kept = network.record

    def counted(way):
        return lambda *given: (ways.append("back"), way(*given))[1]

    def record(*given, **how):
        made = kept(*given, **how)
        for name in ("pullback", "each_gradient"):
            made.__dict__[name] = counted(getattr(made, name))
        ways.append("forward")
        return made

    network.record = record
    found = xh.compare(network, PICTURE, preprocess="unit", layers="all", targets=[0, 1])
    assert sum(one.verdict.word != "ok" for one in found) >= 4
    assert ways == ["forward", "back", "back"]


@programs
def test_a_program_that_fails_is_tried_once_and_said_once(runs, monkeypatch):
    def refuse(*_, **__):
        raise ModelError("no such program here")

    monkeypatch.setattr(formulas.Pieces, "apart", refuse)
    network = xh.network(small())
    found = [maps(network, pictures(1), layer="second", target=2) for _ in range(3)]
    assert runs == ["fused", "record", "record", "record"]
    assert sum("no such program here" in note for note in network.notes) == 1
    monkeypatch.undo()
    close(found[0], maps(network, pictures(1), layer="second", target=2))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of TensorFlow's graphs")
def test_a_largest_place_is_looked_for_again_beside_its_derivative():
    """Without a forward operation beside it, oneDNN's derivative of a maximum is not used."""
    network: Any = xh.network(small())
    xh.compare(network, PICTURE, preprocess="unit", layers="first", targets=[0, 1])
    (program,) = network._own_engine._programs.values()
    kinds = [operation.type for operation in program.backward.graph.get_operations()]
    assert kinds.count("MaxPool") == kinds.count("MaxPoolGrad") == 1


def test_an_inventory_is_made_again_where_something_changed():
    model = small()
    inventory = Inventory(model)
    first, activations = inventory.layers(), inventory.activations()
    assert inventory.layers() is first
    assert list(first) == list(layers_in(model))
    assert inventory.activations() is activations
    assert [id(one) for one in inventory.variables()] == [id(one) for one in model.variables]
    model.get_layer("first").activation = keras.activations.elu
    assert inventory.activations() != activations
    own = model.get_layer("second")
    own.enable_lora(1)
    assert [id(one) for one in inventory.variables()] == [id(one) for one in model.variables]
    nested = keras.Sequential([keras.Input((8, 8, 3)), small()])
    inventory = Inventory(nested)
    assert list(inventory.layers()) == list(layers_in(nested))
    nested.add(layers.Dense(2, name="late"))
    assert list(inventory.layers()) == list(layers_in(nested))
    assert "late" in inventory.layers()
