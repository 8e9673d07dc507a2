"""Files that answer chosen boxes, scores and classes as outputs of their own."""

import io
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
onnx = pytest.importorskip("onnx", reason="needs ONNX")
pytest.importorskip("onnxruntime", reason="needs ONNX")
from onnx import TensorProto, helper  # noqa: E402
from test_exported_detectors import CLASSES, RGB, SIDE, Pyramid, Queries  # noqa: E402
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402

PREPARED = xh.Preprocess("unit", input_size=(SIDE, SIDE), fit="stretch")
X = torch.from_numpy(RGB.transpose(2, 0, 1)[None] / np.float32(255))


def written(model, inputs, names: list[str], answers: list[str]) -> Any:
    kept = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(), inputs, kept, dynamo=False, input_names=names, output_names=answers
        )
    return onnx.load_from_string(kept.getvalue())


class Alone(nn.Module):
    """A detector of one picture without an axis for images: boxes by their corners, and scores."""

    def __init__(self):
        super().__init__()
        self.body = Pyramid()
        self.body.corners = True

    def forward(self, x):
        y = self.body(x[None] if x.ndim == 3 else x)
        return y[:, :4].transpose(1, 2), y[:, 4:]


def listing(images: bool) -> Any:
    """A file as torchvision's exporter writes it, with a suppression whose boxes and scores are two
    tensors.
    """
    x = X if images else X[0]
    made = written(Alone(), (x,), ["image"], ["every box", "every score"])
    graph = made.graph
    whole = {"most": 9, "box": [2], "class": [1], "one": 1, "pair": [1, 2], "first": [0]}
    numbers: dict[str, Any] = {"overlap": [0.5], "least": [0.0]}
    graph.initializer.extend(
        [onnx.numpy_helper.from_array(np.array(v), name) for name, v in whole.items()]
        + [
            onnx.numpy_helper.from_array(np.array(v, np.float32), name)
            for name, v in numbers.items()
        ]
    )

    def add(kind, out, *inputs, **options):
        graph.node.append(helper.make_node(kind, list(inputs), [out], name=out, **options))

    given = ("every box", "every score", "most", "overlap", "least")
    add("NonMaxSuppression", "kept", *given)
    add("Gather", "at box", "kept", "box", axis=1)
    add("Gather", "at class", "kept", "class", axis=1)
    add("Squeeze", "all boxes", "every box", "first")
    add("Squeeze", "all scores", "every score", "first")
    add("GatherND", "unsorted boxes", "all boxes", "at box")
    add("Gather", "at both", "kept", "pair", axis=1)
    add("GatherND", "unsorted scores", "all scores", "at both")
    add("Squeeze", "classes", "at class", "class")
    add("Add", "unsorted labels", "classes", "one")
    add("Shape", "count", "unsorted scores")
    graph.node.append(helper.make_node("TopK", ["unsorted scores", "count"], ["scores", "order"]))
    add("Gather", "boxes", "unsorted boxes", "order", axis=0)
    add("Gather", "labels", "unsorted labels", "order", axis=0)
    del graph.output[:]
    info = helper.make_tensor_value_info
    graph.output.extend(
        [
            info("boxes", TensorProto.FLOAT, ["m", 4]),
            info("labels", TensorProto.INT64, ["m"]),
            info("scores", TensorProto.FLOAT, ["m"]),
        ]
    )
    return made


@pytest.mark.parametrize("images", [False, True])
def test_detections_that_a_file_suppressed_are_followed_through_the_choice(images):
    model = Pyramid().eval()
    with torch.no_grad():
        y = model(X)[0, 4:]
    file = xh.network(listing(images))
    found: Any = xh.explain(file, RGB, preprocess=PREPARED, method="layercam")
    own: Any = xh.explain(model, RGB, preprocess=PREPARED, method="layercam")
    assert found.detection.index == int(y.max(1).values.argmax()) + 1
    assert found.detection.probability == pytest.approx(float(y.max()), abs=1e-5)
    np.testing.assert_allclose(found.detection.box, own.detection.box, atol=1e-3)
    assert found.layer_reason == own.layer_reason
    np.testing.assert_allclose(found.map, own.map, atol=1e-4 * np.abs(own.map).max())
    second: Any = xh.explain(file, RGB, preprocess=PREPARED, target=xh.box(2))
    assert second.detection.probability < found.detection.probability


class Sorted(nn.Module):
    """The likeliest of the queries, in pixels of a picture of the size that is given."""

    def __init__(self):
        super().__init__()
        self.body = Queries()

    def forward(self, images, orig_target_sizes):
        logits, boxes = self.body(images)
        scores, at = logits.sigmoid().flatten(1).topk(5)
        labels, query = at % CLASSES, at // CLASSES
        corners = torch.cat(
            [boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1
        )
        corners = corners * orig_target_sizes.repeat(1, 2)[:, None]
        return labels, corners.gather(1, query[..., None].expand(-1, -1, 4)), scores


def test_boxes_in_pixels_of_a_size_that_is_asked_for_are_those_of_the_input():
    """As RT-DETR and D-FINE are exported: a picture that is wider than high."""
    size = torch.tensor([[SIDE, 96]])
    inputs, names = (X[:, :, :96], size), ["images", "orig_target_sizes"]
    model = Sorted().eval()
    file = written(model, inputs, names, ["labels", "boxes", "scores"])
    with torch.no_grad():
        labels, boxes, scores = (one[0].numpy() for one in model(*inputs))
    prepared = xh.Preprocess("unit", input_size=(96, SIDE), fit="stretch")
    for number in (1, 2):
        found: Any = xh.explain(file, RGB[:96], preprocess=prepared, target=xh.box(number))
        np.testing.assert_allclose(found.detection.box, boxes[number - 1], atol=1e-3)
        assert found.detection.index == labels[number - 1]
        assert found.detection.probability == pytest.approx(scores[number - 1], abs=1e-5)
        assert np.ptp(found.map) > 0


class AsTensorflow(nn.Module):
    """Boxes with the rows first, as fractions; classes as real numbers, from 1."""

    def __init__(self):
        super().__init__()
        self.body = Sorted()

    def forward(self, images):
        labels, boxes, scores = self.body(images, torch.ones(1, 2))
        count = torch.full((1,), 5.0)
        return boxes[..., [1, 0, 3, 2]], labels.float() + 1, scores, count


def test_boxes_of_tensorflow_have_their_rows_first():
    answers = ["boxes", "classes", "scores"]
    names = [f"detection_{name}" for name in answers]
    model = AsTensorflow().eval()
    file = written(model, (X,), ["images"], [*names, "num_detections"])
    with torch.no_grad():
        boxes, labels, scores, _ = (one[0].numpy() for one in model(X))
    found: Any = xh.explain(file, RGB, preprocess=PREPARED)
    top, left, bottom, right = boxes[0] * SIDE
    np.testing.assert_allclose(found.detection.box, [left, top, right, bottom], atol=1e-2)
    assert found.detection.index == labels[0]
    assert found.detection.probability == pytest.approx(scores[0], abs=1e-5)


def test_four_scores_beside_the_highest_and_its_number_are_no_boxes():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.stem, self.head = nn.Conv2d(3, 6, 16, 16), nn.Linear(6, 4)

        def forward(self, x):
            scores = self.head(self.stem(x).relu().mean((2, 3)))
            best = scores.max(1)
            return scores, best.values, best.indices

    model = Classifier()
    file = written(model, (X,), ["x"], ["logits", "best", "label"])
    found: Any = xh.explain(file, RGB, preprocess=PREPARED)
    with torch.no_grad():
        assert found.score == pytest.approx(float(model(X)[0].max()), abs=1e-5)
    assert found.detection is None
