"""Trained networks on photographs: predictions are right, and the heat lies on the animal."""

import csv
import sys

import numpy as np
import pytest

from crossing import crossed
from xai_heatmap.testing.short_options import ON_PHOTOGRAPHS

torch = pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("safetensors", reason="needs safetensors")

import xai_heatmap as xh  # noqa: E402
import xai_heatmap.methods  # noqa: E402 - registers them
from xai_heatmap.core.registry import METHODS  # noqa: E402
from xai_heatmap.sources.labels import labels  # noqa: E402

pytestmark = pytest.mark.reference

BOXES = {
    "n01443537_goldfish.JPEG": (28, 45, 305, 215),
    "n11939491_daisy.JPEG": (205, 160, 450, 375),
    "n02056570_king_penguin.JPEG": (140, 60, 340, 340),
    "n02279972_monarch.JPEG": (95, 65, 340, 345),
}
"""Left, top, right, bottom of what the label names, in pixels, measured by eye."""


@pytest.fixture(scope="module")
def folder(reference):
    return reference


@pytest.fixture(scope="module")
def models(folder):
    """How each reference network is built; paths in there are relative to the folder."""
    sys.path.insert(0, str(folder))
    import reference_models

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # where tests share cores, threads wait for each other
    yield reference_models
    torch.set_num_threads(threads)
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def squeezenet(folder, models):
    path = folder / "models" / "squeezenet1_1_torchvision.safetensors"
    return xh.network(models.squeezenet_torch(str(path)))


@pytest.fixture(scope="module")
def mobilenet(folder, models):
    path = folder / "models" / "mobilenet_v1_025_224_torch.safetensors"
    return xh.network(models.mobilenet_v1_torch(str(path)))


@pytest.fixture(scope="module")
def deit(folder, models):
    return xh.network(models.deit_tiny_clipped(str(folder / "models" / "deit_tiny_clipped.npz")))


@pytest.mark.parametrize(
    ("name", "column", "kind"),
    [
        ("squeezenet", "squeezenet1_1", "imagenet"),
        ("mobilenet", "mobilenet_v1_025", "tf"),
        ("deit", "deit_tiny_clipped", "imagenet-bicubic"),
    ],
)
def test_predictions_are_the_recorded_ones(name, column, kind, folder, models, request):
    """Recorded with a preprocessing that rounds sides where torchvision cuts them off."""
    network = request.getfixturevalue(name)

    def prepared(image):
        return models.preprocess(image, kind).transpose(2, 0, 1)

    with (folder / "predictions.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            e = xh.explain(network, folder / "images" / row["file"], preprocess=prepared)
            assert e.predictions[0].index == int(row[f"{column}_top1"]), row["file"]
            likely = float(row[f"{column}_top1_p"])
            assert e.predictions[0].probability == pytest.approx(likely, abs=2e-3), row["file"]


LEAST = {"eigencam": 0.5, "fem": 0.5, "kpcacam": 0.5, "attention_relevance": 0.5, "rollout": 0.4}
"""Which share of the heat lies in the box at least, where it is not 0.6."""
SPECKLED = {
    "gradient",
    "saliency",
    "smoothgrad",
    "vargrad",
    "input_x_gradient",
    "integrated_gradients",
    "xrai",
    "fullgrad",
}
"""Methods whose strongest place is a single pixel or a small region: their heat is looked at as a
whole. FullGrad's is that of all layers without a sign, the picture's pixels among them."""


ON_ONE = next(iter(BOXES))
"""The photograph that every method explains; one of each set of needs explains all of them."""
CHEAPEST_FIRST = sorted(METHODS, key=("guided_ig", "hsic").__contains__)
"""Which one that is: not those of many passes, where others need the same."""


@pytest.mark.parametrize(("method", "file"), crossed(CHEAPEST_FIRST, BOXES, full=[ON_ONE]))
def test_heat_lies_on_what_the_label_names(request, folder, file, method):
    network = "deit" if "attentions" in METHODS[method].needs else "squeezenet"
    opened = request.getfixturevalue(network)
    image, options = folder / "images" / file, ON_PHOTOGRAPHS.get(method, {})
    e = xh.explain(opened, image, method=method, preprocess="imagenet", options=options)
    heat = np.maximum(e.heat(), 0)
    left, top, right, bottom = BOXES[file]
    inside = heat[top:bottom, left:right].sum() / heat.sum()
    share = (bottom - top) * (right - left) / heat.size
    assert inside > 1.5 * share
    if method in SPECKLED:
        return
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert top <= row < bottom
    assert left <= column < right
    assert inside > LEAST.get(method, 0.6)


def test_a_class_that_is_not_there_has_less_evidence(squeezenet, folder):
    image = folder / "images" / "n02391049_zebra.JPEG"
    options = {"preprocess": "imagenet", "labels": labels(folder / "imagenet_classes.csv")}
    zebra = xh.explain(squeezenet, image, **options)
    teapot = xh.explain(squeezenet, image, target="teapot", **options)
    assert zebra.predictions[0].label == "zebra"
    assert teapot.map.sum() < 0.5 * zebra.map.sum()


def test_every_layer_has_a_finite_map(squeezenet, folder):
    image = folder / "images" / "n01443537_goldfish.JPEG"
    for method in ("gradcam", "hirescam", "layercam", "eigencam"):
        compared = xh.compare(
            squeezenet, image, methods=[method], layers="all", preprocess="imagenet"
        )
        assert len(compared) > 50
        assert all(np.isfinite(e.map).all() for e in compared)
        assert all(e.verdict.word != "dead_gradient" for e in compared)


def test_layers_that_read_a_class_token_alone_are_left_out_by_auto(deit, folder):
    image = folder / "images" / "n01443537_goldfish.JPEG"
    e = xh.explain(deit, image, preprocess="imagenet")
    assert e.layer.name == "blocks.10"
    assert e.layer.grid == (14, 14)
    assert e.verdict.word == "ok"
    last = xh.explain(deit, image, layer="blocks.11", preprocess="imagenet")
    assert last.verdict.word == "dead_gradient"
    assert not last.map.any()


def test_contributions_that_cancel_out_are_drawn_empty(deit, folder):
    """Behind blocks.10 every patch is normalised, so that Σ_k G_k A_k is 0 but for rounding."""
    image = folder / "images" / "n02099601_golden_retriever.JPEG"
    options = {"preprocess": "imagenet", "layer": "blocks.10"}
    e = xh.explain(deit, image, method="hirescam", **options)
    assert e.verdict.word == "cancelled"
    assert e.map.any()
    assert not e.heat().any()
    np.testing.assert_array_equal(e.overlay(dim=False), e.image)
    assert any("rounding" in note for note in e.notes)
    assert xh.explain(deit, image, **options).verdict.word == "ok"


def test_integrated_adds_up_behind_a_layer_normalisation_from_the_mean(deit, folder):
    image = folder / "images" / "n02099601_golden_retriever.JPEG"
    residual = {
        baseline: xh.explain(
            deit,
            image,
            method="integrated",
            preprocess="imagenet",
            options={"baseline": baseline},
        ).verdict.figures["completeness residual"]
        for baseline in ("zero", "mean")
    }
    assert residual["zero"] > 0.9
    assert residual["mean"] < 0.05
