#!/usr/bin/env bash
# OpenVINO, OpenCV and ONNX's evaluator: Softmax of an old file normalises one axis only.
#
# Seen with openvino 2026.4.1, opencv-python-headless 5.0.0.93, onnx 1.23.2. Before opset 13
# Softmax flattens all axes from `axis` on (default 1) and normalises them together: over a map of
# one channel that is a softmax over its places. The three libraries read it as Softmax-13 does,
# so that every place is 1. ONNX Runtime follows the file's opset.
# Guess: the answer of the opset that the file names.
# Output seen:
#   OpenVINO          [1. 1. 1. 1.]
#   OpenCV            [1. 1. 1. 1.]
#   onnx's evaluator  [1. 1. 1. 1.]
#   ONNX Runtime      [0.102 0.167 0.276 0.455]
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
from onnx.reference import ReferenceEvaluator

np.set_printoptions(precision=3, suppress=True)
x = np.array([0.5, 1, 1.5, 2], "float32").reshape(1, 1, 2, 2)


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


def reference(file):
    return ReferenceEvaluator(file).run(None, {"x": x})


file = model("Softmax", {"y": x.shape}, 11, axis=1)
right = np.exp(x) / np.exp(x).sum()
seen = {"OpenVINO": openvino_, "OpenCV": opencv, "onnx's evaluator": reference}
for name, run in seen.items():
    y = run(file)[0]
    print(f"{name:17}", y.ravel())
    assert np.allclose(y, 1), f"{name} has other values now"
print(f"{'ONNX Runtime':17}", runtime(file)[0].ravel())
assert np.allclose(runtime(file)[0], right)
PYTHON
