"""A model that fails on one picture of many: told as the model's, and the others are made."""

import numpy as np
import onnx
import PIL.Image
import pytest
from onnx import TensorProto, helper, numpy_helper

FORWARD = """
import sys
import torch
from torch import nn

class Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): ctx.bad = bool(x.amax() > 0.999); return x.clone()
    @staticmethod
    def backward(ctx, g):
        if ctx.bad: raise ValueError("sensor offline")
        return g

class Sensor(nn.Module):
    def __init__(self, fail):
        super().__init__()
        torch.manual_seed(0)
        self.fail = fail
        self.body = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.ReLU())
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    def forward(self, x):
        bad = len(x) == 1 and bool(x.amax() > 0.999)
        h = self.body(x)
        if self.fail == "late" and bad: raise ValueError("sensor offline")
        if self.fail == "exit" and bad: sys.exit("sensor offline")
        if self.fail == "assert" and bad: assert False, "sensor offline"
        if self.fail == "framework" and bad: h = h.view(7, 11)
        return self.head(Backward.apply(h) if self.fail == "backward" and bad else h)

late, leaves, asserts, backward, framework = (
    (lambda kind: lambda: Sensor(kind))(k)
    for k in ("late", "exit", "assert", "backward", "framework")
)
"""


@pytest.fixture
def batch(place):
    """Three pictures, the first with a white corner; and models that fail on that one."""
    (place / "net.py").write_text(FORWARD)
    for name, corner in (("0_bad.png", 255), ("1_good.png", 0), ("2_good.png", 0)):
        picture = np.random.default_rng(1).integers(0, 200, (32, 32, 3)).astype(np.uint8)
        picture[8:24, 8:24] = corner
        PIL.Image.fromarray(picture).save(place / name)
    return ["0_bad.png", "1_good.png", "2_good.png"]


def on_picture(words, batch, model):
    return [*words, *batch, "--model", model, "--preprocess", "unit", "--size", "32x32"]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["late", "leaves", "asserts", "framework"])
@pytest.mark.parametrize("command", ["explain", "compare"])
def test_one_failure_ends_nothing_else_and_is_the_models(cli, place, batch, command, model):
    said = cli(*on_picture([command], batch, f"net.py:{model}"), "--out", "out")
    assert said.code == 1
    assert "error XH137: 0_bad.png: Sensor ran before, and failed on this picture" in said.err
    assert "bug in xai-heatmap" not in said.err
    assert ("sensor offline" in said.err) == (model != "framework")
    assert "(net.py, line " in said.err
    drawn = {path.name[:6] for path in (place / "out").glob("*.png")}
    assert drawn == {"1_good", "2_good"}


@pytest.mark.filterwarnings("ignore")
def test_a_backward_of_ones_own_that_fails_is_the_models(cli, place, batch):
    words = ["explain", *batch, "--model", "net.py:backward", "--preprocess", "unit"]
    said = cli(*words, "--size", "32x32", "--layer", "body", "--method", "gradcam", "--out", "out")
    if said.code:  # the white corner survived the rectifier
        assert "bug in xai-heatmap" not in said.err
        assert "sensor offline" in said.err


def test_a_graph_that_fails_on_one_picture_loses_that_one(cli, place, batch):
    value = helper.make_tensor_value_info
    kernel = np.random.default_rng(0).normal(size=(4, 3, 4, 4)).astype(np.float32)
    stored = {"kernel": kernel, "table": np.zeros((1, 4), np.float32), "limit": np.float32(1)}
    stored |= {"head": np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)}
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["conv"], strides=[4, 4]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("ReduceMax", ["image"], ["largest"], keepdims=0),
        helper.make_node("Equal", ["largest", "limit"], ["white"]),
        helper.make_node("Cast", ["white"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "index"], ["found"]),
        helper.make_node("Add", ["flat", "found"], ["sum"]),
        helper.make_node("MatMul", ["sum", "head"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "picky",
        [value("image", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [value("logits", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in stored.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.save(model, place / "m.onnx")
    words = ["explain", *batch, "--model", "m.onnx", "--preprocess", "unit", "--layer", "relu"]
    said = cli(*words, "--method", "eigencam", "--target", "1", "--out", "out")
    assert "error XH137: 0_bad.png" in said.err
    assert len(list((place / "out").glob("[12]_good*.png"))) == 2


def test_what_is_ours_is_still_called_a_bug(cli, batch, monkeypatch):
    from xai_heatmap.explaining import explain as explaining

    def broken(*_, **__):
        raise ValueError("ours")

    monkeypatch.setattr(explaining, "prepare", broken)
    said = cli("explain", *batch, "--model", "net.py:late", "--preprocess", "unit", "--size", "32")
    assert "ValueError: ours. This is a bug in xai-heatmap" in said.err
