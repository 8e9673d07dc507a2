"""Detectors of transformers, with random weights: read without a word, layouts, maps, boxes."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
transformers = pytest.importorskip("transformers", reason="needs transformers")

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.boxes.detections import corners_of, evidence_of  # noqa: E402
from xai_heatmap.core.errors import NoAttention  # noqa: E402
from xai_heatmap.core.layers.layout import Layout  # noqa: E402
from xai_heatmap.core.targets.answer import Answer, Seen  # noqa: E402

pytestmark = pytest.mark.slow

SHAPE = (3, 64, 96)
SMALL = {
    "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "num_labels": 5, "num_queries": 7,
}  # fmt: skip
BACKBONE = {
    "num_channels": 3, "embedding_size": 8, "hidden_sizes": [8, 12, 16, 24],
    "depths": [1, 1, 1, 1], "layer_type": "basic",
}  # fmt: skip


def detr(kind: str) -> Any:
    backbone = transformers.ResNetConfig(**BACKBONE, out_features=["stage4"])
    config = getattr(transformers, f"{kind}Config")(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None,
        backbone_config=backbone, **SMALL,
    )  # fmt: skip
    return getattr(transformers, f"{kind}ForObjectDetection")(config)


def yolos() -> Any:
    config = transformers.YolosConfig(
        hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=24,
        image_size=list(SHAPE[1:]), patch_size=16, num_detection_tokens=7, num_labels=5,
    )  # fmt: skip
    return transformers.YolosForObjectDetection(config)


def rt_detr() -> Any:
    stages = ["stage2", "stage3", "stage4"]
    backbone = transformers.RTDetrResNetConfig(**BACKBONE, out_features=stages)
    config = transformers.RTDetrConfig(
        backbone_config=backbone, encoder_hidden_dim=16, encoder_in_channels=[12, 16, 24],
        encoder_layers=1, encoder_ffn_dim=16, encoder_attention_heads=2, d_model=16, num_queries=9,
        decoder_in_channels=[16] * 3, decoder_ffn_dim=16, decoder_layers=2,
        decoder_attention_heads=2, decoder_n_points=2, num_labels=5, num_denoising=0,
        disable_custom_kernels=True,
    )  # fmt: skip
    return transformers.RTDetrForObjectDetection(config)


MAKERS = {
    "detr": (lambda: detr("Detr"), 7, True, Layout("tokens", (2, 3))),
    "conditional detr": (lambda: detr("ConditionalDetr"), 7, False, Layout("tokens", (2, 3))),
    "yolos": (yolos, 7, True, Layout("tokens", (4, 6), prefix=1, suffix=7)),
    "rt-detr": (rt_detr, 9, False, Layout("channels_first", (8, 12))),
}
"""How each is made, how many boxes it has, whether a class means nothing, and its auto layer."""


@pytest.fixture(scope="module", params=MAKERS)
def opened(request):
    make, boxes, nothing, layout = MAKERS[request.param]
    torch.manual_seed(0)
    model = make().eval()
    for name, weight in model.named_parameters():  # random boxes should not all be alike
        if "bbox" in name and weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    x = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
    return request.param, model, xh.network(model, image_shape=SHAPE), x, boxes, nothing, layout


def answer_of(network, x):
    recording = network.record(x)
    seen = Seen(SHAPE[1:], ((0.0, float(SHAPE[1])), (0.0, float(SHAPE[2]))))
    row, form, meaning = recording.scores[0], recording.form, recording.meaning
    return Answer(row, (), form, "boxes", meaning, seen)


def test_boxes_and_scores_are_those_of_the_model(opened):
    _, model, network, x, boxes, nothing, _ = opened
    found = answer_of(network, x)
    with torch.no_grad():
        wanted = model(torch.from_numpy(x))
    np.testing.assert_allclose(evidence_of(found), wanted.logits[0], atol=1e-4)
    centre, size = wanted.pred_boxes[0].numpy().reshape(boxes, 2, 2).swapaxes(0, 1)
    corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1) * [96, 64, 96, 64]
    np.testing.assert_allclose(corners_of(found), corners, atol=1e-3)
    assert found.form.boxes.background == (5 if nothing else None)
    assert found.classes == (6 if nothing else 5)


def test_grids_lie_over_the_picture_and_boxes_have_none(opened):
    *_, boxes, _, layout = opened
    survey = opened[2].survey(SHAPE)
    assert survey.layers[survey.auto].layout == layout
    for layer in survey.layers.values():
        if layer.places > 1:
            rows, columns = layer.grid
            assert SHAPE[1] * columns == SHAPE[2] * rows, f"{layer.name}: {layer.layout}"
    decoding = [x for name, x in survey.layers.items() if "decoder.layers" in name]
    assert all(x.layout is None for x in decoding if x.shape[0] == boxes)


@pytest.mark.parametrize("method", ["gradcam", "hirescam", "layercam"])
def test_maps_are_those_of_autograd(opened, method):
    name, model, network, x, *_, layout = opened
    auto = network.survey(SHAPE).auto
    found = xh.maps(network, x, method=method, target=xh.box(None, 2), layer=auto)
    row = answer_of(network, x)
    query = int(evidence_of(row)[:, 2].argmax())
    kept = []
    first = lambda value: value if torch.is_tensor(value) else value[0]  # noqa: E731
    module = model.get_submodule(auto)
    hook = module.register_forward_hook(lambda *parts: kept.append(first(parts[-1])))
    image = torch.from_numpy(x).requires_grad_()
    with torch.enable_grad():
        y = model(image).logits[0, query, 2]
        gradient = torch.autograd.grad(y, kept[0])[0].numpy()
    hook.remove()
    a = layout.to_grid(kept[0].detach().numpy())[0]
    g = layout.to_grid(gradient)[0]
    wanted = {
        "gradcam": lambda: np.maximum(np.einsum("k,khw", g.mean((1, 2)), a), 0),
        "hirescam": lambda: (g * a).sum(axis=0),
        "layercam": lambda: np.maximum((np.maximum(g, 0) * a).sum(axis=0), 0),
    }[method]()
    np.testing.assert_allclose(found[0], wanted, atol=1e-5 * np.abs(g * a).sum(axis=0).max())
    if name == "rt-detr":  # there PyTorch's own gradient of one picture is not that of two
        return
    ask = {"method": method, "target": xh.box(None, 2), "layer": auto}
    alone = [xh.maps(network, one[None], **ask)[0] for one in x]
    np.testing.assert_allclose(found, alone, atol=1e-4 * np.abs(g * a).sum(axis=0).max())


@pytest.mark.parametrize("method", ["eigencam", "reciprocam", "fullgrad"])
def test_methods_of_many_passes_work_too(opened, method):
    network, x = opened[2:4]
    found = xh.maps(network, x[:1], method=method, target=xh.box(None, 2))
    assert np.isfinite(found).all()
    assert np.abs(found).max() > 0


def test_attention_between_boxes_and_patches_is_refused(opened):
    with pytest.raises(NoAttention, match="rise"):
        xh.maps(opened[2], opened[3], method="rollout")


def test_a_box_of_the_model_is_found_again(opened):
    network = opened[2]
    image = np.random.default_rng(1).integers(0, 255, (100, 200, 3)).astype(np.uint8)
    ask = {"preprocess": {"mode": "imagenet", "fit": "stretch"}}
    best = xh.explain(network, image, **ask)
    assert best.target.startswith("LABEL_")
    again = xh.explain(network, image, target=xh.box(best.detection.box, best.index), **ask)
    assert again.detection.overlap == pytest.approx(1, abs=1e-4)
    assert again.score >= best.score - 1e-5
