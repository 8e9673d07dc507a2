"""Objects of other libraries that hold a model."""

from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NotAModel  # noqa: E402

X = np.random.default_rng(0).random((1, 3, 32, 32)).astype(np.float32)
PICTURE = np.random.default_rng(0).integers(0, 256, (80, 100, 3)).astype(np.uint8)


def small(*last):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 4, 4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
        *last,
    ).eval()


def of(module, name, base=object):
    """A class as another library has it, known by the name alone."""
    return type(name, (base,), {"__module__": module, "__qualname__": name})


@pytest.fixture
def pipelines():
    t = pytest.importorskip("transformers", reason="needs transformers")
    size = {"height": 64, "width": 64}
    how = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2}
    names = {0: "cat", 1: "dog", 2: "owl"}
    torch.manual_seed(0)
    vit = t.ViTConfig(
        **how,
        num_attention_heads=2,
        image_size=64,
        patch_size=16,
        id2label=names,
        label2id={v: k for k, v in names.items()},
        initializer_range=0.3,
    )
    segformer = t.SegformerConfig(
        depths=[1] * 4,
        hidden_sizes=[16] * 4,
        num_attention_heads=[1] * 4,
        decoder_hidden_size=16,
        num_labels=3,
    )
    return {
        "image-classification": t.pipeline(
            "image-classification",
            model=t.ViTForImageClassification(vit).eval(),
            image_processor=t.ViTImageProcessor(size=size),
        ),
        "image-segmentation": t.pipeline(
            "image-segmentation",
            model=t.SegformerForSemanticSegmentation(segformer).eval(),
            image_processor=t.SegformerImageProcessor(size=size),
        ),
    }


def test_a_pipeline_that_classifies_is_its_model_processor_and_names(pipelines):
    held = pipelines["image-classification"]
    said = held(PIL.Image.fromarray(PICTURE))
    e = xh.explain(held, PICTURE)
    assert e.map.shape == (4, 4)
    assert e.predictions[0].label == said[0]["label"]
    assert e.predictions[0].probability == pytest.approx(said[0]["score"], abs=1e-5)
    assert e.geometry.box == pytest.approx((0, 0, 100, 80), abs=0.5)


def test_a_pipeline_that_segments_is_opened_too(pipelines):
    e = xh.explain(pipelines["image-segmentation"], PICTURE, target=0)
    assert e.heat().shape == (80, 100)


def test_a_pipeline_without_pictures_is_refused():
    held = of("transformers.pipelines.base", "Pipeline")()
    with pytest.raises(NotAModel, match="takes no pictures"):
        xh.network(held)


class Boxes(nn.Module):
    """Boxes of 4 + 2 rows, one a place."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.score = nn.Conv2d(3, 4, 8, 8), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        level = self.stem(x).relu()
        y, x = torch.meshgrid(
            torch.arange(level.shape[2]), torch.arange(level.shape[3]), indexing="ij"
        )
        boxes = torch.stack([(x + 0.5) * 8, (y + 0.5) * 8, x * 0 + 16.0, y * 0 + 16.0]).flatten(1)
        boxes = boxes.expand(len(level), -1, -1) + 0 * level.flatten(2)[:, :1]
        return torch.cat([boxes, self.score(level).sigmoid().flatten(2)], 1)


def test_a_yolo_is_its_module_its_names_and_its_letter_box():
    held = of("ultralytics.engine.model", "Model", nn.Module)()
    held.model, held.names, held.task = Boxes().eval(), {0: "cup", 1: "pen"}, "detect"
    held.model.args = {"imgsz": 128}
    e = xh.explain(held, PICTURE)
    assert e.predictions[0].label.startswith(("cup", "pen"))
    assert e.detection is not None
    left, top, right, bottom = e.geometry.box
    assert right - left == pytest.approx(bottom - top, abs=1)


def test_a_yolo_of_another_runtime_is_refused():
    held = of("ultralytics.engine.model", "Model")()
    held.model = "yolo.engine"
    with pytest.raises(NotAModel, match=r"yolo\.engine"):
        xh.network(held)


def test_a_learner_is_its_model_and_its_vocabulary():
    held = of("fastai.learner", "Learner")()
    held.model, held.dls = small(), SimpleNamespace(vocab=["cat", "dog", "owl"])
    e = xh.explain(held, X, target="dog")
    assert e.index == 1
    np.testing.assert_array_equal(e.map, xh.maps(small(), X, target=1)[0])


def test_a_lightning_module_is_a_module():
    base = of("lightning.pytorch.core.module", "LightningModule", nn.Module)

    class Mine(base):
        def __init__(self):
            super().__init__()
            self.model = small()

        def forward(self, x):
            return self.model(x)

    held = Mine().eval()
    np.testing.assert_array_equal(xh.maps(held, X, target=1), xh.maps(small(), X, target=1))
    assert xh.maps(held, X, target=1, layer=held.model[1]).any()


def test_a_model_with_adapters_is_the_model_they_are_in():
    held = of("peft.peft_model", "PeftModel", nn.Module)()
    held.base = small()
    type(held).get_base_model = lambda self: self.base
    np.testing.assert_array_equal(xh.maps(held, X, target=1), xh.maps(small(), X, target=1))


def test_a_session_is_the_file_it_was_made_from(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weight = np.random.default_rng(0).normal(size=(3, 3, 4, 4)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["a"], strides=[4, 4]),
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("GlobalAveragePool", ["b"], ["c"]),
            helper.make_node("Flatten", ["c"], ["y"]),
        ],
        "small",
        [helper.make_tensor_value_info("x", kind, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("y", kind, ["n", 3])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "small.onnx"
    onnx.save(model, path)
    right = xh.maps(model, X, target=1)
    for source in (str(path), model.SerializeToString()):
        held = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
        np.testing.assert_array_equal(xh.maps(held, X, target=1), right)
