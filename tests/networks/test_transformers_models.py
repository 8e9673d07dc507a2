"""Architectures of transformers, with random weights: layouts, auto layers, maps everywhere."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
transformers = pytest.importorskip("transformers", reason="needs transformers")

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoAttention  # noqa: E402
from xai_heatmap.core.layers.layout import Layout  # noqa: E402

pytestmark = pytest.mark.slow

SQUARE, WIDE = (3, 64, 64), (3, 64, 96)
DINO = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "num_labels": 5,
    "image_size": 64, "patch_size": 8,
}  # fmt: skip
VIT = DINO | {"intermediate_size": 48}
STAGES = {
    "hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1],
    "num_attention_heads": [1, 1, 2, 2], "num_labels": 5,
}  # fmt: skip


def made(model: str, config: str, **options: Any) -> Any:
    torch.manual_seed(0)
    own = getattr(transformers, f"{config}Config")(**options)
    return getattr(transformers, f"{model}ForImageClassification")(own).eval()


CASES = {
    "vit": (made, ("ViT", "ViT"), VIT, SQUARE, ("tokens", (8, 8), 1)),
    "deit": (made, ("DeiT", "DeiT"), VIT, SQUARE, ("tokens", (8, 8), 2)),
    "dinov2": (made, ("Dinov2", "Dinov2"), DINO, WIDE, ("tokens", (8, 12), 1)),
    "dinov2 with registers": (
        made, ("Dinov2WithRegisters",) * 2, DINO | {"num_register_tokens": 4}, WIDE,
        ("tokens", (8, 12), 5),
    ),
    "beit": (
        made, ("Beit", "Beit"), VIT | {"use_relative_position_bias": True}, SQUARE,
        ("tokens", (8, 8), 1),
    ),
    "swin": (
        made, ("Swin", "Swin"),
        {"embed_dim": 16, "depths": [2, 2], "num_heads": [2, 2], "window_size": 4,
         "image_size": 64, "patch_size": 4, "num_labels": 5},
        WIDE, ("tokens", (8, 12), 0),
    ),
    "convnext": (
        made, ("ConvNext", "ConvNext"),
        {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 2, 1], "num_labels": 5},
        WIDE, ("channels_first", (2, 3), 0),
    ),
    "pvt": (
        made, ("Pvt", "Pvt"), STAGES | {"image_size": 64}, SQUARE, ("tokens", (2, 2), 1),
    ),
    "segformer": (made, ("Segformer", "Segformer"), STAGES, WIDE, ("channels_first", (2, 3), 0)),
}  # fmt: skip
AMONG_ALL = {"vit", "deit", "dinov2", "dinov2 with registers", "beit"}
"""Those that attend among all patches."""


@pytest.fixture(scope="module", params=CASES)
def opened(request):
    make, names, options, shape, layout = CASES[request.param]
    network = xh.network(make(*names, **options), image_shape=shape)
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    return request.param, network, x, Layout(*layout)


def test_auto_layer_is_read_as_it_lies(opened):
    _, network, x, layout = opened
    survey = network.survey(x.shape[1:])
    assert survey.layers[survey.auto].layout == layout


def test_every_grid_is_a_whole_number_of_steps(opened):
    _, network, x, _ = opened
    height, width = x.shape[2:]
    for layer in network.survey(x.shape[1:]).layers.values():
        if layer.places > 1:
            rows, columns = layer.grid
            assert height * columns == width * rows, f"{layer.name}: {layer.layout}"


@pytest.mark.parametrize("method", ["gradcam", "libragrad"])
def test_maps_of_a_batch_are_those_of_its_images(opened, method):
    _, network, x, layout = opened
    found = xh.maps(network, x, method=method, target=[1, 3])
    assert found.shape == (2, *layout.grid)
    assert np.abs(found).max() > 1e-6
    each = [
        xh.maps(network, x[row : row + 1], method=method, target=target)[0]
        for row, target in enumerate((1, 3))
    ]
    np.testing.assert_allclose(found, each, atol=1e-4 * np.abs(found).max())


@pytest.mark.parametrize("method", ["hirescam", "libragrad"])
def test_every_layer_has_a_finite_map(opened, method):
    _, network, x, _ = opened
    found = xh.maps(network, x, method=method, layer="all")
    assert len(found) > 40
    assert all(np.isfinite(maps).all() for maps in found.values())


@pytest.mark.parametrize("method", ["rollout", "attention_relevance"])
def test_attention_is_seen_where_it_is_among_all_patches(opened, method):
    name, network, x, layout = opened
    if name not in AMONG_ALL:
        with pytest.raises(NoAttention, match="gradcam"):
            xh.maps(network, x, method=method)
        return
    found = xh.maps(network, x, method=method, target=[1, 3])
    assert found.shape == (2, *layout.grid)
    assert (found >= 0).all()
    assert found.any()


def test_attention_is_that_of_the_unfused_model():
    fused = made("ViT", "ViT", **VIT)
    eager = made("ViT", "ViT", **VIT, attn_implementation="eager")
    x = torch.tensor(np.random.default_rng(0).normal(size=(2, *SQUARE)).astype(np.float32))
    with torch.no_grad():
        said = eager(x, output_attentions=True).attentions
    recording = xh.network(fused, image_shape=SQUARE).record(x.numpy(), at=["input"])
    found = recording.attentions(np.eye(5, dtype=np.float32)[[1, 2]])
    assert len(found) == len(said) == 3
    for block, own in zip(found, said, strict=True):
        np.testing.assert_allclose(block.weights, own.numpy(), atol=1e-5)
