"""Checks of networks that take more than the picture.

The networks are written once in PyTorch, with numbers that a backend's kit puts into its own; what
is right is autograd on them, and their twins that take the picture alone.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytest
import torch

import xai_heatmap as xh
import xai_heatmap.methods
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.registry import find_method
from xai_heatmap.testing.conformance.kit import checks_of
from xai_heatmap.testing.conformance.kit import maps as kit_maps
from xai_heatmap.testing.networks.held import CLASSES, NETS, SHAPE, Alone, Early, Late, Net, Pair
from xai_heatmap.testing.short_options import SHORT

SIGNED = {"relu": False, "signed": True, "negative": True}


@runtime_checkable
class Kit(Protocol):
    """Maker of the kit's networks in one framework, with equal numbers."""

    channels_last: bool

    def made(self, net: Net) -> Any:
        """The backend's own model, with the numbers of `net` and layers of the same names."""

    def runs(self, model: Any) -> Any:
        """A block that counts how often the model ran; answers a function."""


def random(*shape: int, seed: int) -> np.ndarray:
    """Normal numbers of a shape, float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def pictures(n: int, seed: int = 7) -> np.ndarray:
    """Pictures of `SHAPE`, n c H W."""
    return random(n, *SHAPE, seed=seed)


@dataclass(frozen=True)
class Case:
    """A network, the backend's model of it, and what is held."""

    kit: Kit
    net: Net
    model: Any

    def held(self, n: int = 1, seed: int = 3) -> np.ndarray:
        """Held values as PyTorch takes them."""
        return random(n, *self.net.beside, seed=seed)

    def native(self, values: np.ndarray) -> np.ndarray:
        """Pictures or held maps in the layout of the backend's model."""
        last = self.kit.channels_last and values.ndim == 4
        return np.ascontiguousarray(np.moveaxis(values, 1, -1)) if last else values

    def holding(self, held: np.ndarray) -> dict[str | int, Any]:
        return {self.net.other: self.native(held)}

    def opened(self, held: np.ndarray) -> Any:
        return xh.network(self.model, image_shape=SHAPE, picture="image", held=self.holding(held))

    def maps(self, network: Any, x: np.ndarray, **how: Any) -> np.ndarray:
        return maps(network, self.native(x), **how)


def case(kit: Kit, kind: type[Net], seed: int = 3) -> Case:
    """The network of a kind with fixed weights, in the framework of the kit."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = kind().eval()
    return Case(kit, net, kit.made(net))


def alone(net: Net, held: np.ndarray) -> Any:
    """The opened twin, which has the held input built in."""
    return xh.network(Alone(net, held), image_shape=SHAPE)


def maps(network: Any, x: np.ndarray, *, method: str = "gradcam", **how: Any) -> np.ndarray:
    """Signed where the method can be: a map that is cut off at 0 may show nothing."""
    there = find_method(method.split(":")[-1]).options
    signed = {name: value for name, value in SIGNED.items() if name in there}
    options = {**SHORT.get(method, {}), **signed}
    return kit_maps(network, x, target=1, method=method, options=options, **how)


def close(found: np.ndarray, wanted: np.ndarray, *, tolerance: float = 1e-5) -> None:
    """Equal to a share of the largest value, but for what two scores below 1 lose in float32."""
    assert np.abs(wanted).max() > 0, "a map of zeros shows nothing"
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * np.abs(wanted).max() + 2e-7)


PLACES = ((Late, "conv"), (Early, "conv"), (Early, "conv2"), (Pair, "conv"))
METHODS = (
    "integrated_gradients",
    "ablationcam",
    "scorecam",
    "rise",
    "occlusion",
    "smooth:layercam",
    "smoothgrad",
)


def gradcam_and_layercam_are_those_of_autograd(kit: Kit) -> None:
    """Grad-CAM and LayerCAM are those of autograd on the PyTorch network."""
    for kind in NETS:
        own = case(kit, kind)
        held, x = own.held(), pictures(1)
        beside = torch.from_numpy(held)
        activation = own.net.trunk(torch.from_numpy(x), beside).detach().requires_grad_()
        own.net.tail(activation, beside)[0, 1].backward()
        a, g = (np.asarray(t)[0] for t in (activation.detach(), activation.grad))
        gradcam = (g.mean((1, 2))[:, None, None] * a).sum(0)
        layercam = np.maximum((np.maximum(g, 0) * a).sum(0), 0)
        network = own.opened(held)
        for method, wanted in (("gradcam", gradcam), ("layercam", layercam)):
            close(own.maps(network, x, method=method, layer="conv")[0], wanted)


def every_method_is_that_of_the_twin(kit: Kit) -> None:
    """A map with a held input is that of the network which has the input built in."""
    for kind, layer in PLACES:
        own = case(kit, kind)
        held, x = own.held(), pictures(1)
        network, twin = own.opened(held), alone(own.net, held)
        called = f"net.{layer}#1" if kind is Pair else f"net.{layer}"
        for method in METHODS:
            found = own.maps(network, x, method=method, layer=layer)
            divided = 3e-5 if method == "ablationcam" else 1e-5  # by a score that is nearly 0
            close(found, maps(twin, x, method=method, layer=called), tolerance=divided)


def methods_of_pixels_are_those_of_the_twin(kit: Kit) -> None:
    """A map of pixels with a held input is that of the network which has the input built in."""
    own = case(kit, Early)
    held, x = own.held(), pictures(1)
    network, twin = own.opened(held), alone(own.net, held)
    for method in ("saliency", "integrated_gradients", "rise", "occlusion"):
        found = own.maps(network, x, method=method, layer="input")
        close(found, maps(twin, x, method=method, layer="input"))


def other_values_give_another_map(kit: Kit) -> None:
    """Other values of a held input give another map; the former ones give the former map."""
    for kind in NETS:
        own = case(kit, kind)
        network, x = own.opened(own.held()), pictures(1)
        other = own.holding(own.held(seed=11))
        for method in ("gradcam", "ablationcam", "smooth:layercam"):
            before = own.maps(network, x, method=method, layer="conv")
            after = own.maps(network, x, method=method, layer="conv", held=other)
            assert np.abs(after - before).max() > 1e-3 * np.abs(before).max()
            again = own.maps(network, x, method=method, layer="conv")
            np.testing.assert_array_equal(again, before)


def a_recording_keeps_what_was_held(kit: Kit) -> None:
    """A recording keeps the values that it was made with."""
    own = case(kit, Early)
    first, x = own.opened(own.held()), pictures(2)
    seed = np.eye(CLASSES, dtype=np.float32)[[1, 1]]
    recording = first.record(x, ["conv"])
    wanted = recording.pullback(seed)["conv"].copy()
    changed = first.holding(own.holding(own.held(seed=11)))
    assert np.abs(changed.record(x, ["conv"]).pullback(seed)["conv"] - wanted).max() > 1e-3
    np.testing.assert_array_equal(recording.pullback(seed)["conv"], wanted)
    activation = recording.activations["conv"]
    replayed = recording.replay("conv", activation, row=0)
    np.testing.assert_allclose(replayed.scores[:1], recording.scores[:1], atol=1e-5)


def every_picture_may_have_its_own_row(kit: Kit) -> None:
    """Each image of a batch may have its own row of a held input."""
    for kind in NETS:
        own = case(kit, kind)
        rows, x = own.held(3), pictures(3)
        network = own.opened(own.held())
        for method in ("gradcam", "ablationcam", "smooth:layercam", "rise"):
            how = {"method": method, "layer": "conv"}
            together = own.maps(network, x, held=own.holding(rows), **how)
            singly = [
                own.maps(network, x[i : i + 1], held=own.holding(rows[i : i + 1]), **how)[0]
                for i in range(3)
            ]
            close(together, np.stack(singly))
            shared = own.maps(network, x, held=own.holding(rows[:1]), **how)
            assert np.abs(shared[1:] - together[1:]).max() > 1e-3 * np.abs(together).max()


def only_layers_of_the_picture_are_listed(kit: Kit) -> None:
    """Layers that the picture does not reach are not listed."""
    for kind in NETS:
        own = case(kit, kind)
        network = own.opened(own.held())
        assert "conv" in network.layers
        assert not {"read", "gain", "shift", "conv#2", "conv_second"} & set(network.layers)
        assert network.survey(SHAPE).auto is not None


def an_input_that_is_not_held_is_named(kit: Kit) -> None:
    """An input without a value is named in the error, before the model runs."""
    own = case(kit, Late)
    with kit.runs(own.model) as runs, pytest.raises(BadOption) as error:
        xh.network(own.model, image_shape=SHAPE)
    said = str(error.value)
    assert "'metadata'" in said
    assert "held={'metadata': array}" in said
    assert runs() == 0


def two_inputs_that_could_be_the_picture_are_named(kit: Kit) -> None:
    """Two inputs that could be the picture are named in the error, before the model runs."""
    own = case(kit, Pair)
    with kit.runs(own.model) as runs, pytest.raises(BadOption) as error:
        xh.network(own.model, image_shape=SHAPE)
    assert "'second'" in str(error.value)
    assert "picture=" in str(error.value)
    assert runs() == 0


def the_other_picture_can_be_explained(kit: Kit) -> None:
    """Either input of a network of two pictures can be the explained one."""
    own = case(kit, Pair)
    one, two = pictures(1, seed=1), pictures(1, seed=2)
    swapped: dict[str | int, Any] = {"image": own.native(two)}
    network = xh.network(own.model, image_shape=SHAPE, picture="second", held=swapped)
    layers = [name for name in network.layers if name.startswith("conv")]
    assert layers, "the layer that the second picture goes through is not listed"
    found = own.maps(network, one, layer=layers[0])
    close(found, own.maps(own.opened(two), one, layer="conv"))  # the product does not care


def a_name_that_the_model_lacks_lists_its_names(kit: Kit) -> None:
    """A held name that the model lacks is answered with the names it has."""
    own = case(kit, Late)
    misspelt: dict[str | int, Any] = {"metdata": own.held()}
    with kit.runs(own.model) as runs, pytest.raises(BadOption) as error:
        xh.network(own.model, image_shape=SHAPE, held=misspelt)
    assert "Did you mean 'metadata'?" in str(error.value)
    assert "'image'" in str(error.value)
    assert runs() == 0


def the_picture_is_not_held(kit: Kit) -> None:
    """The picture itself can't be held."""
    own = case(kit, Late)
    held: dict[str | int, Any] = {
        "image": own.native(pictures(1)),
        "metadata": own.held(),
    }
    with pytest.raises(BadOption, match="is the picture"):
        xh.network(own.model, image_shape=SHAPE, picture="image", held=held)


def rows_are_as_many_as_pictures(kit: Kit) -> None:
    """A held input has one row, or one for each picture."""
    own = case(kit, Late)
    network = own.opened(own.held(3))
    with pytest.raises(BadArray, match="3 rows for 2 pictures"):
        own.maps(network, pictures(2), layer="conv")
    with pytest.raises(BadArray, match="3 rows for one picture"):
        xh.explain(network, np.zeros((10, 10, 3), np.uint8), preprocess="unit")


def explain_and_compare_hold_too(kit: Kit) -> None:
    """`explain` and `compare` take held inputs as `maps` does."""
    own = case(kit, Early)
    image = np.random.default_rng(0).integers(0, 255, (10, 10, 3)).astype(np.uint8)
    how = {"preprocess": "unit", "layer": "conv", "target": 1}
    network = own.opened(own.held())
    first = xh.explain(network, image, **how)
    second = xh.explain(network, image, **how, held=own.holding(own.held(seed=11)))
    assert np.abs(first.map - second.map).max() > 0
    (third,) = xh.compare(
        network, image, preprocess="unit", layers="conv", targets=[1],
        held=own.holding(own.held(seed=11)),
    )  # fmt: skip
    np.testing.assert_array_equal(second.map, third.map)


def whole_numbers_and_double_precision_are_taken(kit: Kit) -> None:
    """Held inputs of double precision are taken as the type that the model wants."""
    own = case(kit, Late)
    held, x = own.held().astype(np.float64), pictures(1)
    found = own.maps(own.opened(held), x, layer="conv")
    close(found, own.maps(own.opened(held.astype(np.float32)), x, layer="conv"))


CHECKS = checks_of(globals())
