#!/usr/bin/env bash
# OpenCV: GridSample with mode="cubic" samples linearly.
#
# Seen with opencv-python-headless 5.0.0.93. The mode is taken without a word and the answer is
# that of "linear". ONNX Runtime, OpenVINO and onnx's evaluator give the cubic one.
# Guess: cubic, or an error.
# Output seen:
#   OpenCV, cubic   [3.  3.5 1. ]
#   OpenCV, linear  [3.  3.5 1. ]
#   ONNX Runtime    [3.    3.594 0.89 ]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile opencv-python-headless==5.0.0.93 onnx==1.23.2 numpy==2.4.6 onnxruntime==1.32.0
"$folder/bin/python" - <<'PYTHON'
import cv2
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

np.set_printoptions(precision=3, suppress=True)
x = np.arange(1, 5, dtype="float32").reshape(1, 1, 1, 4)
grid = np.array([[0.25, 0], [0.5, 0], [-0.9, 0]], "float32").reshape(1, 1, 3, 2)


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


cubic, linear = (
    model("GridSample", {"y": (1, 1, 1, 3)}, 20, [grid], mode=mode, padding_mode="border")
    for mode in ("cubic", "linear")
)
seen, plain, right = np.ravel(opencv(cubic)[0]), np.ravel(opencv(linear)[0]), runtime(cubic)[0].ravel()
print("OpenCV, cubic  ", seen)
print("OpenCV, linear ", plain)
print("ONNX Runtime   ", right)
assert abs(right - plain).max() > 0.05
assert np.array_equal(seen, plain), "OpenCV has other values now"
PYTHON
