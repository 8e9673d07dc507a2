"""Files of detectors as exporters write them are read as the models that they came from."""

import io
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
onnx = pytest.importorskip("onnx", reason="needs ONNX")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs ONNX")
from onnx import TensorProto, helper  # noqa: E402
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import UnknownTarget  # noqa: E402
from xai_heatmap.networks.onnx import autodiff, exporter  # noqa: E402

SIDE, CLASSES, POINTS = 128, 2, 2
RGB = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
NAMED = str({0: "cat", 1: "dog"})


def conv(k, out, stride=1):
    return nn.Sequential(nn.Conv2d(k, out, stride, stride), nn.SiLU())


class Pyramid(nn.Module):
    """Levels of 16x16 and 8x8 places, made after a grid of 4x4, which is 16 places too."""

    corners = False

    def __init__(self, points=0):
        super().__init__()
        torch.manual_seed(0)
        self.fine, self.middle, self.coarse = conv(3, 6, 8), conv(6, 6, 2), conv(6, 6, 2)
        self.joined = nn.ModuleList([conv(12, 6), conv(12, 6)])
        self.heads = nn.ModuleList(nn.Conv2d(6, 4 + CLASSES + points, 1) for _ in range(2))
        self.points = points

    def forward(self, x):
        fine = self.fine(x)
        middle = self.middle(fine)
        up = self.joined[1](torch.cat([middle, larger(self.coarse(middle))], 1))
        levels = self.joined[0](torch.cat([fine, larger(up)], 1)), up
        found = []
        for head, features, stride in zip(self.heads, levels, (8, 16), strict=True):
            y = head(features)
            rows = torch.arange(y.shape[2]) + 0.5, torch.arange(y.shape[3]) + 0.5
            down, across = torch.meshgrid(*rows, indexing="ij")
            at = (torch.stack([across, down]).flatten(1)[None] * stride).to(x.dtype)
            y = y.flatten(2)
            likely = y[:, 4:].sigmoid()
            centre, size = at + y[:, :2], stride + y[:, 2:4]
            box = [centre - size / 2, centre + size / 2] if self.corners else [centre, size]
            parts = [*box, likely[:, :CLASSES]]
            for k in range(self.points):
                parts += [centre, likely[:, CLASSES + k, None]]
            found.append(torch.cat(parts, 1))
        return torch.cat(found, 2)


def larger(x):
    return nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")


def exported(model, *, entries: dict[str, str] | None = None, open_sides: bool = False) -> Any:
    """The file that PyTorch's exporter writes, with what ultralytics' adds to its metadata."""
    kept = io.BytesIO()
    axes = {"images": {0: "batch", 2: "height", 3: "width"}} if open_sides else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.rand(1, 3, SIDE, SIDE),),
            kept,
            dynamo=False,
            input_names=["images"],
            dynamic_axes=axes,
        )
    made = onnx.load_from_string(kept.getvalue())
    said = {"task": "detect", "names": NAMED, "imgsz": f"[{SIDE}, {SIDE}]"} | (entries or {})
    for key, value in said.items():
        made.metadata_props.add(key=key, value=value)
    return made


@pytest.mark.parametrize("open_sides", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_levels_of_a_file_are_those_of_the_model_also_where_lengths_are_alike(open_sides):
    model = Pyramid().eval()
    network = xh.network(exported(model, open_sides=open_sides), image_shape=(3, SIDE, SIDE))
    heads = network.survey((3, SIDE, SIDE)).heads
    assert [name.removeprefix("/") for name in heads] == [
        "joined.0/joined.0.1/Mul",
        "joined.1/joined.1.1/Mul",
    ]
    prepared = xh.Preprocess("unit", input_size=(SIDE, SIDE), fit="stretch")
    own: Any = xh.explain(model, RGB, preprocess=prepared)
    file: Any = xh.explain(network, RGB, preprocess=prepared)
    assert file.layer_reason == own.layer_reason
    np.testing.assert_allclose(file.map, own.map, atol=1e-4 * np.abs(own.map).max())


def test_key_points_of_a_file_are_those_that_its_exporter_names():
    model = Pyramid(POINTS).eval()
    entries = {"task": "pose", "kpt_shape": f"[{POINTS}, 3]"}
    file = exported(model, entries=entries)
    with torch.no_grad():
        y = model(torch.from_numpy(RGB.transpose(2, 0, 1)[None] / np.float32(255)))[0].numpy()
    found: Any = xh.explain(file, RGB, target=xh.keypoint(1, 1))
    best = int(y[4 : 4 + CLASSES].max(axis=0).argmax())
    assert found.score == pytest.approx(float(y[-1, best]), abs=1e-5)
    assert np.ptp(found.map) > 0
    with pytest.raises(UnknownTarget, match=r"no key point 2: this network has 2"):
        xh.explain(file, RGB, target=xh.keypoint(2, 1))


@pytest.mark.parametrize("shape", ["[2, 2]", "[True, 3]", "[2]", "{", "2", "[0, 3]", "[-1, 3]"])
def test_key_points_without_a_score_are_none(shape):
    graph = helper.make_graph([], "empty", [], [])
    file = helper.make_model(graph)
    for key, value in {"task": "pose", "names": NAMED, "kpt_shape": shape}.items():
        file.metadata_props.add(key=key, value=value)
    assert exporter.points(file) == 0


def test_key_points_that_have_no_room_are_none():
    file = exported(Pyramid(POINTS).eval(), entries={"task": "pose", "kpt_shape": "[9, 3]"})
    with pytest.raises(UnknownTarget, match="answers none that is known"):
        xh.explain(file, RGB, target=xh.keypoint(0, 1))


def test_lengths_that_a_file_computes_from_lengths_are_known_before_it_runs():
    """Half of the channels by division, and a scale that is stored in half precision."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["features"], strides=[2, 2]),
        helper.make_node("Shape", ["features"], ["lengths"]),
        helper.make_node("Gather", ["lengths", "one"], ["channels"]),
        helper.make_node("Div", ["channels", "two"], ["half"]),
        helper.make_node("Slice", ["features", "zero", "half", "one"], ["first"]),
        helper.make_node("Cast", ["scales"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Resize", ["first", "", "wide"], ["larger"], mode="nearest"),
        helper.make_node("Mul", ["larger", "larger"], ["squares"]),
        helper.make_node("ReduceMean", ["squares", "sides"], ["y"], keepdims=0),
    ]
    w = np.random.default_rng(0).normal(size=(4, 3, 2, 2)).astype(np.float32)
    whole = {"zero": [0], "one": [1], "two": [2], "sides": [2, 3]}
    stored = [onnx.numpy_helper.from_array(np.array(v), name) for name, v in whole.items()]
    stored += [onnx.numpy_helper.from_array(w, "w")]
    stored += [onnx.numpy_helper.from_array(np.array([1, 1, 2, 2], np.float16), "scales")]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "halves",
        [info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [info("y", TensorProto.FLOAT, ["n", 2])],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    prepared = autodiff.prepared(model).graph
    shapes = {v.name: v.type.tensor_type.shape.dim for v in prepared.value_info}
    assert [d.dim_value for d in shapes["larger"]][1:] == [2, 8, 8]
    x = np.random.default_rng(1).normal(size=(1, 3, 8, 8)).astype(np.float32)
    found = xh.maps(xh.network(model), x, layer="features", method="hirescam", target=0)
    features = np.einsum("kcij,ncyixj->nkyx", w, x.reshape(1, 3, 4, 2, 4, 2))
    np.testing.assert_allclose(found, 4 * 2 / 64 * features[:, 0] ** 2, atol=1e-5)


def choosing(file, *, corners: bool):
    """The file with an end that keeps the likeliest boxes which overlap little, (1, m, 6)."""
    made = onnx.ModelProto()
    made.CopyFrom(file)
    graph, answer = made.graph, made.graph.output[0].name
    values = {"four": [4], "two": [2], "six": [6], "zero": [0], "axis": [1], "flat": [-1]}
    stored = [onnx.numpy_helper.from_array(np.array(v), f"own {k}") for k, v in values.items()]
    numbers = {"half": np.float32(0.5), "most": np.array([9]), "least": np.float32([0.5])}
    stored += [onnx.numpy_helper.from_array(np.array(v), f"own {k}") for k, v in numbers.items()]
    graph.initializer.extend(stored)

    def add(kind, out, *inputs, **options):
        graph.node.append(helper.make_node(kind, list(inputs), [out], name=out, **options))
        return out

    def cut(out, start, stop):
        return add("Slice", out, answer, f"own {start}", f"own {stop}", "own axis")

    box, scores = cut("own boxes", "zero", "four"), cut("own scores", "four", "six")
    if corners:
        rows = add("Transpose", "own corners", box, perm=[0, 2, 1])
    else:
        centre, size = cut("own centres", "zero", "two"), cut("own sizes", "two", "four")
        halves = add("Mul", "own halves", size, "own half")
        ends = (
            add("Sub", "own starts", centre, halves),
            add("Add", "own stops", centre, halves),
        )
        joined = add("Concat", "own ends", *ends, axis=1)
        rows = add("Transpose", "own corners", joined, perm=[0, 2, 1])
    kept = add("NonMaxSuppression", "own kept", rows, scores, "own most", "own half", "own least")
    number = add("Gather", "own numbers", kept, "own two", axis=1)
    number = add("Reshape", "own row", number, "own flat")
    turned = add("Transpose", "own rows", answer, perm=[0, 2, 1])
    out = add("Gather", "detections", turned, number, axis=1)
    del graph.output[:]
    info = helper.make_tensor_value_info(out, TensorProto.FLOAT, [1, "m", 4 + CLASSES])
    graph.output.append(info)
    return made


@pytest.mark.parametrize("corners", [False, True])
def test_boxes_are_explained_before_the_step_that_chooses_among_them(corners):
    model = Pyramid().eval()
    model.corners = corners
    plain = exported(model)
    file = choosing(plain, corners=corners)
    how = xh.Boxes(order="xyxy", unit="pixels") if corners else xh.Boxes()
    own: Any = xh.explain(xh.network(plain, answers=how), RGB, target=xh.box(2))
    found: Any = xh.explain(file, RGB, target=xh.box(2))
    assert found.target == own.target
    assert found.layer_reason == own.layer_reason
    np.testing.assert_array_equal(found.map, own.map)
    kept = onnxruntime.InferenceSession(file.SerializeToString()).run(
        None, {"images": RGB.transpose(2, 0, 1)[None] / np.float32(255)}
    )[0][0]
    best = kept[kept[:, 4:].max(axis=1).argmax()]
    first: Any = xh.explain(file, RGB, target=xh.box(1))
    assert first.detection.probability == pytest.approx(float(best[4:].max()), abs=1e-5)


class Queries(nn.Module):
    """Seven queries, which attend to places of a grid of 6x6 and to each other."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.look = nn.Conv2d(3, 16, 16, 16)
        self.queries = nn.Parameter(torch.randn(1, 7, 16))
        self.scores, self.boxes = nn.Linear(16, CLASSES), nn.Linear(16, 4)

    def forward(self, x):
        places = self.look(x).relu().flatten(2).transpose(1, 2)
        own = self.queries + attended(self.queries, places)
        own = own + attended(own, own)
        return self.scores(own), self.boxes(own).sigmoid()


def attended(q, k, heads=2):
    q, k = (one.unflatten(-1, (heads, -1)).transpose(1, 2) for one in (q, k))
    weights = (q @ k.transpose(-1, -2)).softmax(-1)
    return (weights @ k).transpose(1, 2).flatten(2)


def test_a_number_for_every_pair_of_boxes_is_no_grid():
    kept = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = ["logits", "pred_boxes"]
        x = torch.rand(1, 3, 96, 96)
        torch.onnx.export(Queries().eval(), (x,), kept, dynamo=False, output_names=names)
    network = xh.network(onnx.load_from_string(kept.getvalue()))
    survey = network.survey((3, 96, 96))
    grids = {layer.grid for layer in survey.layers.values() if layer.grid}
    assert (7, 7) not in grids
    assert survey.layers[survey.auto].grid == (6, 6)
    assert not any("Softmax" in name for name in survey.heads)
