"""Networks of several inputs in PyTorch: the picture is explained, the others are held."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray, BadOption, ModelError
from xai_heatmap.testing.conformance import held as held_checks
from xai_heatmap.testing.conformance.held import alone, case, close, maps, pictures, random
from xai_heatmap.testing.networks.held import META, SHAPE, Early, Late, Net


class TorchKit:
    channels_last = False

    def made(self, net: Net) -> Net:
        return net

    @contextmanager
    def runs(self, model: nn.Module) -> Iterator[Any]:
        calls: list[int] = []
        handle = model.conv.register_forward_hook(lambda *_: calls.append(1))
        try:
            yield lambda: len(calls)
        finally:
            handle.remove()


@pytest.mark.parametrize("check", held_checks.CHECKS, ids=lambda check: check.__name__)
def test_holds(check):
    check(TorchKit())


class Packed(nn.Module):
    """All inputs in one argument."""

    def __init__(self, net: Net, take: Any) -> None:
        super().__init__()
        self.net, self._take = net, take

    def forward(self, batch: Any) -> torch.Tensor:
        return self.net(*self._take(batch))


class Anyhow(nn.Module):
    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.net(*inputs)


class ByName(nn.Module):
    """Arguments that can't stand by their place, one of them with a default."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(
        self, *, metadata: torch.Tensor, image: torch.Tensor, loud: bool = False
    ) -> torch.Tensor:
        return self.net(image, metadata) * (2 if loud else 1)


def wanted(held: np.ndarray, x: np.ndarray) -> np.ndarray:
    return maps(alone(case(TorchKit(), Late).net, held), x, layer="net.conv")


@pytest.mark.parametrize(
    ("model", "how"),
    [
        (lambda net: net, {"held": {1: None}}),
        (lambda net: net, {"held": {"metadata": None}}),
        (Anyhow, {"held": {1: None}}),
        (ByName, {"held": {"metadata": None}}),
        (lambda net: Packed(net, lambda b: b), {"held": {1: None}}),
        (
            lambda net: Packed(net, lambda b: (b["picture"], b["age"])),
            {"held": {"age": None}, "picture": "picture"},
        ),
    ],
    ids=["place", "name", "any place", "name only", "tuple", "dict"],
)
def test_every_way_to_call_a_model(model, how):
    held, x = random(1, META, seed=3), pictures(1)
    made = model(case(TorchKit(), Late).net)
    layer = "conv" if isinstance(made, Late) else "net.conv"
    given = {**how, "held": dict.fromkeys(how["held"], held)}
    network = xh.network(made, image_shape=SHAPE, **given)
    close(maps(network, x, layer=layer), wanted(held, x))


def test_a_flag_goes_in_as_it_is():
    held, x = random(1, META, seed=3), pictures(1)
    model = ByName(case(TorchKit(), Late).net)
    network = xh.network(model, image_shape=SHAPE, held={"metadata": held, "loud": True})
    scores = network.record(x).scores
    quiet = xh.network(model, image_shape=SHAPE, held={"metadata": held}).record(x).scores
    np.testing.assert_allclose(scores, 2 * quiet, rtol=1e-6)


def test_an_optional_input_may_be_held_later():
    class Masked(Early):
        def forward(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
            a = self.conv(image)
            return self.fc((a if mask is None else a * mask).mean((2, 3)))

    x, mask = pictures(1), np.zeros((1, 1, 8, 8), np.float32)
    mask[..., :4] = 1
    network = xh.network(Masked(), image_shape=SHAPE)
    free = xh.maps(network, x, method="layercam", layer="conv")
    masked = xh.maps(network, x, method="layercam", layer="conv", held={"mask": mask})
    assert free[..., 4:].any()
    assert masked[..., :4].any()
    assert not masked[..., 4:].any()


def test_tensors_are_held_as_arrays_are():
    held, x = random(1, META, seed=3), pictures(1)
    net = case(TorchKit(), Late).net
    tensor = torch.from_numpy(held).requires_grad_()
    network = xh.network(net, image_shape=SHAPE, held={"metadata": tensor})
    close(maps(network, x, layer="conv"), wanted(held, x))
    assert tensor.grad is None


def test_a_model_that_writes_into_what_is_held_changes_nothing():
    class Writing(Late):
        def forward(self, image: torch.Tensor, metadata: torch.Tensor) -> torch.Tensor:
            metadata += 1
            return super().forward(image, metadata)

    held, x = random(1, META, seed=3), pictures(1)
    network = xh.network(Writing(), image_shape=SHAPE, held={"metadata": held})
    before = held.copy()
    first = xh.maps(network, x, method="ablationcam", layer="conv")
    np.testing.assert_array_equal(held, before)
    np.testing.assert_array_equal(xh.maps(network, x, method="ablationcam", layer="conv"), first)


def test_a_shape_that_the_model_fails_on_is_said():
    net = case(TorchKit(), Late).net
    network = xh.network(net, image_shape=SHAPE, held={"metadata": random(1, 7, seed=1)})
    with pytest.raises(ModelError, match=r"'metadata' of shape \(1, 7\)"):
        xh.maps(network, pictures(1))


def test_a_missing_axis_for_pictures_is_said():
    net = case(TorchKit(), Late).net
    network = xh.network(net, image_shape=SHAPE, held={"metadata": random(META, seed=1)})
    with pytest.raises(BadArray, match=r"4 rows for one picture.*value\[None\]"):
        network.record(pictures(1))


def test_a_layer_of_a_frozen_trunk_is_listed():
    class Frozen(Late):
        def trunk(self, image: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                return self.conv(image)

    held = {"metadata": random(1, META, seed=3)}
    layers = xh.network(Frozen(), image_shape=SHAPE, held=held).layers
    assert "conv" in layers
    assert "read" not in layers


class Captions(nn.Module):
    """A score for every caption: their first axis counts classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, META, 3)

    def forward(self, captions: torch.Tensor, pixel_values: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(pixel_values)).mean((2, 3)) @ captions.T


@pytest.mark.parametrize("captions", [1, 2, 5])
def test_what_counts_no_pictures_stays_whole(captions):
    x, values = pictures(2), random(captions, META, seed=3)
    network = xh.network(Captions(), image_shape=SHAPE, held={"captions": xh.whole(values)})
    recording = network.record(x, ["conv"])
    assert recording.scores.shape == (2, captions)
    for method in ("ablationcam", "smooth:gradcam"):
        both = xh.maps(network, x, method=method, layer="conv", target=captions - 1)
        each = [
            xh.maps(network, x[i : i + 1], method=method, layer="conv", target=captions - 1)[0]
            for i in range(2)
        ]
        np.testing.assert_allclose(both, np.stack(each), atol=1e-5 * np.abs(both).max())


def test_functions_fill_in_the_rest_themselves():
    with pytest.raises(BadOption, match="lambda x"):
        xh.network(lambda x: x.mean((2, 3)), held={"metadata": random(1, META, seed=1)})
    network = xh.network(lambda x: x.mean((2, 3)))
    with pytest.raises(BadOption, match="nothing beside the picture"):
        xh.maps(network, pictures(1), held={"metadata": random(1, META, seed=1)})


def test_a_picture_that_reads_text_too_is_found_by_its_name():
    transformers = pytest.importorskip("transformers")
    small = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    config = transformers.CLIPConfig(
        text_config={**small, "num_hidden_layers": 1, "vocab_size": 50},
        vision_config={**small, "num_hidden_layers": 2, "image_size": 32, "patch_size": 8},
        projection_dim=8,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.CLIPModel(config).eval()
    ids = np.random.default_rng(0).integers(3, 50, (3, 6))
    held = {"input_ids": xh.whole(ids), "attention_mask": xh.whole(np.ones_like(ids))}
    network = xh.network(model, held=held)
    x = np.random.default_rng(1).normal(size=(1, 3, 32, 32)).astype(np.float32)
    assert network.declared.input_shape == (3, 32, 32)
    assert network.record(x).scores.shape == (1, 3)
    assert not [name for name in network.layers if name.startswith("text_model")]
    one = xh.maps(network, x, target=0)
    other = xh.maps(network, x, target=0, held={"input_ids": xh.whole(ids[::-1].copy())})
    assert one.shape == (1, 4, 4)
    assert np.abs(one - other).max() > 0
