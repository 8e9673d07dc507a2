#!/usr/bin/env bash
# OpenVINO and OpenCV: PRelu slopes of the last axis are applied to the channels.
#
# Seen with openvino 2026.4.1, opencv-python-headless 5.0.0.93. The slope broadcasts to the input
# from its last axis, so that five numbers belong to the five columns. Where the input also has
# five channels, both libraries give each channel one of them. ONNX Runtime follows the rule.
# Guess: a slope for each column; per channel needs the shape (5, 1, 1).
# Output seen (first row of channels 1 and 2, input -1 everywhere):
#   OpenVINO      [-1. -1. -1. -1. -1.] [-2. -2. -2. -2. -2.]
#   OpenCV        [-1. -1. -1. -1. -1.] [-2. -2. -2. -2. -2.]
#   ONNX Runtime  [-1. -2. -3. -4. -5.] [-1. -2. -3. -4. -5.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile openvino==2026.4.1 opencv-python-headless==5.0.0.93 onnx==1.23.2 numpy==2.4.6 onnxruntime==1.32.0
"$folder/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

x = -np.ones((1, 5, 2, 5), "float32")
slopes = np.arange(1, 6, dtype="float32")


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


def runtime(file):
    session = onnxruntime.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


def openvino_(file):
    core = openvino.Core()
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    return [core.compile_model(core.read_model(file.SerializeToString()), "CPU", hint)(x)[0]]


file = model("PRelu", {"y": x.shape}, 18, [slopes])
seen = {"OpenVINO": openvino_(file)[0], "OpenCV": opencv(file)[0], "ONNX Runtime": runtime(file)[0]}
for name, y in seen.items():
    print(f"{name:13}", y[0, 0, 0], y[0, 1, 0])
assert np.array_equal(seen["ONNX Runtime"], x * slopes)
for name in ("OpenVINO", "OpenCV"):
    assert np.array_equal(seen[name], x * slopes[:, None, None]), f"{name} has other values now"
PYTHON
