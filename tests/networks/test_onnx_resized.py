"""Resizing by scales whose product with a length is a whole number only in single precision."""

import numpy as np
import onnxruntime
import pytest
from onnx import helper
from test_onnx_files import model_of

import xai_heatmap as xh


def resizing(scale, *, opset=18, again=1.0, mode="nearest"):
    """Conv, ReLU (10 x 10 of 12 x 12 pictures), both resizings, ReLU, mean, classes."""
    nodes = [
        helper.make_node("Resize", ["r", "", "s"], ["a"], mode=mode),
        helper.make_node("Resize", ["a", "", "t"], ["b"], mode=mode),
        helper.make_node("Relu", ["b"], ["z"]),
    ]
    if opset < 11:
        nodes = [helper.make_node("Resize", ["r", "s"], ["z"], mode=mode)]
    sides = {"s": np.float32([1, 1, scale, scale]), "t": np.float32([1, 1, again, again])}
    return model_of(nodes, opset=opset, size=("n", 3, 12, 12), **sides)


@pytest.mark.parametrize(
    ("scale", "again", "opset"), [(2.3, 1, 18), (0.7, 1, 18), (1.9, 1.3, 19), (0.9, 0.7, 10)]
)
@pytest.mark.parametrize("method", ["hirescam", "saliency", "ablationcam", "eigencam"])
def test_every_method_runs_where_inference_counts_otherwise(method, scale, again, opset):
    network = xh.network(resizing(scale, again=again, opset=opset))
    x = np.random.default_rng(0).normal(size=(1, 3, 12, 12)).astype(np.float32)
    layer = "input" if method == "saliency" else "relu"
    found = xh.maps(network, x, method=method, layer=layer, target=1)
    assert found.shape == ((1, 12, 12) if method == "saliency" else (1, 10, 10))
    assert np.isfinite(found).all()
    assert found.any()


def test_the_map_adds_up_to_what_the_runtime_answers():
    model = resizing(2.3)
    x = np.random.default_rng(0).normal(size=(1, 3, 12, 12)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    right = session.run(None, {session.get_inputs()[0].name: x})[0][0, 1]
    network = xh.network(model)
    found = xh.maps(network, x, method="hirescam", layer="relu", target=xh.category(1))
    assert found.sum() == pytest.approx(right, abs=1e-4)
