#!/usr/bin/env bash
# OpenCV and tract: the alpha of Swish is left out.
#
# Seen with opencv-python-headless 5.0.0.93, tract 0.23.9. Swish of opset 24 is
# x * sigmoid(alpha * x). Both read the operator and answer as with alpha = 1. ONNX Runtime,
# OpenVINO and onnx's evaluator follow alpha.
# Guess: the formula, or an error.
# Output seen (alpha 2, input [-1, -2]):
#   OpenCV        [-0.269 -0.238]
#   tract         [-0.269 -0.238]
#   ONNX Runtime  [-0.119 -0.036]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile opencv-python-headless==5.0.0.93 tract==0.23.9 onnx==1.23.2 numpy==2.4.6 onnxruntime==1.32.0
"$folder/bin/python" - <<'PYTHON'
import tempfile

import cv2
import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper, numpy_helper

np.set_printoptions(precision=3, suppress=True)
x = -np.array([[1, 2]], "float32")


def model(op, outputs, opset, weights=(), **attributes):
    """A file of one operator on x."""
    names = ["x", *(f"w{k}" for k in range(len(weights)))]
    held = [numpy_helper.from_array(w, n) for w, n in zip(weights, names[1:], strict=True)]
    node = helper.make_node(op, names, list(outputs), **attributes)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        [node], "g", [value("x", x.shape)], [value(*pair) for pair in outputs.items()], held
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def opencv(file):
    net = cv2.dnn.readNetFromONNX(np.frombuffer(file.SerializeToString(), np.uint8))
    net.setInput(x, "x")
    return net.forward(net.getUnconnectedOutLayersNames())


def tract_(file):
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(file, f"{folder}/m.onnx")
        loaded = tract.onnx().load(f"{folder}/m.onnx").into_model()
        return [value.to_numpy() for value in loaded.into_runnable().run([x])]


def runtime(file):
    session = onnxruntime.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


file = model("Swish", {"y": x.shape}, 24, alpha=2.0)
right = x / (1 + np.exp(-2 * x))
for name, run in {"OpenCV": opencv, "tract": tract_}.items():
    y = run(file)[0]
    print(f"{name:13}", y[0])
    assert np.allclose(y, x / (1 + np.exp(-x)), atol=1e-4), f"{name} has other values now"
print("ONNX Runtime ", runtime(file)[0][0])
assert np.allclose(runtime(file)[0], right, atol=1e-5)
PYTHON
