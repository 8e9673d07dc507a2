"""Networks whose output is a map: opened, explained by every method, drawn."""

import io
import sys
import warnings
from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("onnxscript", reason="needs the exporter")

import onnx  # noqa: E402

import xai_heatmap as xh  # noqa: E402
import xai_heatmap.methods  # noqa: E402
from crossing import crossed  # noqa: E402
from xai_heatmap.core.errors import BadOption, NoScores  # noqa: E402
from xai_heatmap.core.registry import METHODS  # noqa: E402
from xai_heatmap.core.targets.answer import Form  # noqa: E402
from xai_heatmap.testing.networks.colours import (  # noqa: E402
    GREEN,
    OTHER,
    RED,
    SIDE,
    scene,
    square,
)
from xai_heatmap.testing.networks.segmenting import Binary, Colours, in_keras  # noqa: E402
from xai_heatmap.testing.short_options import SHORT  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SHAPE = (3, SIDE, SIDE)
UNDRAWN = xh.Preprocess(mode="unit", input_size=(SIDE, SIDE), fit="stretch")
"""Nothing is changed but the scale of the pixels."""


def exported(model: torch.nn.Module) -> onnx.ModelProto:
    """The model as torch's own exporter writes it."""
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(model.eval(), (torch.zeros(1, *SHAPE),), dynamo=True)
    program.save(written)
    return onnx.load_from_string(written.getvalue())


def made_in_keras() -> object:
    pytest.importorskip("keras", reason="needs Keras")
    return in_keras()


MAKERS = {
    "torch": Colours,
    "a dict": lambda: Colours("dict"),
    "softmax": lambda: Colours("softmax"),
    "functional softmax": lambda: Colours("functional"),
    "channels last": lambda: Colours("last"),
    "onnx": lambda: exported(Colours()),
    "onnx with softmax": lambda: exported(Colours("softmax")),
    "keras": made_in_keras,
}


@cache
def opened(kind):
    return xh.network(MAKERS[kind](), image_shape=SHAPE)


def native(network, x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if network.channels_last else x


def relu_of(network):
    return next(name for name in network.layers if "relu" in name.lower())


@pytest.mark.parametrize("kind", MAKERS)
def test_scores_are_logits_class_by_class_and_place_by_place(kind):
    x = np.stack([scene(), scene()[[1, 0, 2]]])
    recording = opened(kind).record(x)
    with torch.no_grad():
        wanted = Colours()(torch.from_numpy(x)).numpy()
    assert recording.form == Form((SIDE, SIDE))
    assert recording.meaning == "logits"
    np.testing.assert_allclose(recording.scores, wanted.reshape(2, -1), atol=1e-5)


@pytest.mark.parametrize("kind", MAKERS)
def test_gradient_of_a_region_is_that_of_autograd(kind):
    network, x = opened(kind), scene()[None]
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[2:5, 3:9] = 1
    found = xh.maps(
        network, native(network, x), layer="input", method="saliency", target=xh.region(RED, mask)
    )
    image = torch.from_numpy(x).requires_grad_()
    (Colours()(image)[0, RED] * torch.from_numpy(mask)).sum().div(mask.sum()).backward()
    np.testing.assert_allclose(found[0], image.grad[0].abs().amax(0).numpy(), atol=1e-6)


ON_PLACES = [name for name, method in METHODS.items() if "attentions" not in method.needs]


@pytest.mark.parametrize(
    ("name", "kind"), crossed(ON_PLACES, ["torch", "onnx", "keras", "softmax"])
)
def test_every_method_explains_a_region_and_a_batch_is_its_images(name, kind):
    network = opened(kind)
    if (
        name == "liftcam"
        and kind == "keras"
        and sys.modules["keras"].config.backend() == "tensorflow"
    ):
        pytest.skip("Keras has no LIFT-CAM on TensorFlow")
    x = np.stack([scene(), scene()[[1, 0, 2]]])
    layer = "auto" if METHODS[name].auto == "input" else relu_of(network)
    target = xh.region(RED, "all") if name == "cam" else RED  # CAM is of a mean over the grid
    options = {"layer": layer, "method": name, "options": SHORT.get(name, {}), "target": target}
    together = xh.maps(network, native(network, x), **options)
    alone = [xh.maps(network, native(network, one[None]), **options)[0] for one in x]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.abs(together).max() > 0


@pytest.mark.parametrize("method", ["gradcam", "hirescam", "ablationcam", "scorecam", "reciprocam"])
def test_what_makes_it_red_is_red(method):
    network = opened("torch")
    for colour in (RED, GREEN):
        map_ = xh.maps(network, scene()[None], method=method, layer="relu", target=colour)[0]
        peak = np.unravel_index(map_.argmax(), map_.shape)
        assert square(colour)[peak], (method, colour, peak)


def test_a_softmax_over_places_is_no_closing_function():
    network = xh.network(Colours("over places"), image_shape=SHAPE)
    recording = network.record(scene()[None])
    by_class = recording.scores.reshape(3, SIDE, SIDE)
    np.testing.assert_allclose(by_class.sum(axis=2), 1, atol=1e-5)
    assert network.closing is None
    again = xh.network(network._adapter._module, image_shape=SHAPE)
    np.testing.assert_array_equal(again.record(scene()[None]).scores, recording.scores)


def test_probabilities_of_places_that_can_not_be_undone_are_read_as_logarithms():
    class Scaled(Colours):
        def forward(self, x):
            return torch.softmax(super().forward(x), dim=1) * 1.0

    recording = xh.network(Scaled(), image_shape=SHAPE).record(scene()[None])
    assert recording.meaning == "log-probabilities"
    np.testing.assert_allclose(np.exp(recording.scores).reshape(3, -1).sum(axis=0), 1, atol=1e-5)


def test_one_number_a_place_is_for_and_against():
    network = xh.network(Binary(), image_shape=SHAPE)
    image = picture()
    found = xh.compare(network, image, targets=[None, 1], preprocess=UNDRAWN, layers="colours.relu")
    assert found[0].predictions[0].label == "against"
    assert found[1].target == "for"
    with torch.no_grad():
        red = Colours()(torch.from_numpy(scene()[None]))[0, RED] > 0
    assert found[1].predictions[1].probability == pytest.approx(float(red.float().mean()))


def picture() -> np.ndarray:
    return (scene().transpose(1, 2, 0) * 255).round().astype(np.uint8)


def test_predictions_are_shares_of_the_picture():
    found = xh.explain(opened("torch"), picture(), preprocess=UNDRAWN, labels=["red", "green", "-"])
    shares = {p.label: p.probability for p in found.predictions}
    assert next(iter(shares)) == "-"
    with torch.no_grad():
        wins = Colours()(torch.from_numpy(scene()[None]))[0].argmax(dim=0)
    assert shares["red"] == pytest.approx(float((wins == RED).float().mean()))
    assert sum(shares.values()) == pytest.approx(1)
    assert found.index == OTHER
    assert "12x12 places" in " ".join(found.notes)
    assert found.to_dict()["places"] == [12, 12]


def test_a_box_is_in_pixels_of_the_picture():
    large = np.repeat(np.repeat(picture(), 8, 0), 16, 1)
    box = (16, 8, 16 * 5, 8 * 5)
    found = xh.explain(
        opened("torch"), large, target=xh.region(RED, box), preprocess=UNDRAWN, layer="relu"
    )
    x, _ = UNDRAWN(large)
    with torch.no_grad():
        scores = Colours()(torch.from_numpy(x[None])).numpy()[0, RED]
    assert found.score == pytest.approx(scores[1:5, 1:5].mean(), abs=1e-5)
    mask = np.zeros(large.shape[:2], np.float32)
    mask[8:40, 16:80] = 1
    again = xh.explain(
        opened("torch"), large, target=xh.region(RED, mask), preprocess=UNDRAWN, layer="relu"
    )
    np.testing.assert_allclose(again.map, found.map, atol=1e-5)


def test_a_file_with_maps_built_in_needs_one_score_a_class(tmp_path):
    with pytest.raises(BadOption, match="12x12"):
        xh.export(Colours(), tmp_path / "out.onnx", image_shape=SHAPE, layers="relu")


def test_a_function_may_answer_a_map():
    model = Colours().eval()

    def f(x):
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()

    network = xh.network(f, image_shape=SHAPE)
    options = {"method": "occlusion", "options": SHORT["occlusion"], "target": RED}
    found = xh.maps(network, scene()[None], **options)
    np.testing.assert_allclose(found, xh.maps(opened("torch"), scene()[None], **options), atol=1e-5)


def test_what_reads_as_neither_is_refused():
    class Odd(Colours):
        def forward(self, x):
            return super().forward(x)[..., 0]

    with pytest.raises(NoScores, match=r"3x12 for each picture"):
        xh.maps(xh.network(Odd(), image_shape=SHAPE), scene()[None])


def segformer() -> torch.nn.Module:
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    config = transformers.SegformerConfig(
        num_channels=3, num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1],
        hidden_sizes=[8, 16], patch_sizes=[7, 3], strides=[4, 2], num_attention_heads=[1, 2],
        mlp_ratios=[2, 2], decoder_hidden_size=16, num_labels=5,
    )  # fmt: skip
    torch.manual_seed(0)
    return transformers.SegformerForSemanticSegmentation(config).eval()


@pytest.mark.slow
def test_a_transformer_that_segments():
    model = segformer()
    network = xh.network(model, image_shape=(3, 64, 64))
    x = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)
    recording = network.record(x)
    assert recording.form == Form((16, 16))
    with torch.no_grad():
        wanted = model(torch.from_numpy(x)).logits.numpy()
    np.testing.assert_allclose(recording.scores, wanted.reshape(2, -1), atol=1e-5)
    target = xh.region(3, (0, 0, 32, 64))
    found = xh.maps(network, x, method="saliency", layer="input", target=target)
    image = torch.from_numpy(x).requires_grad_()
    model(image).logits[:, 3, :, :8].mean(dim=(1, 2)).sum().backward()
    np.testing.assert_allclose(found, image.grad.abs().amax(1).numpy(), atol=1e-6)
    assert xh.maps(network, x, target=3).any(axis=(1, 2)).all()
