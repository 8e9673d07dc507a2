#!/usr/bin/env bash
# OpenCV: auto_pad SAME_LOWER of an ONNX convolution pads as SAME_UPPER does.
#
# Seen with opencv-python-headless 5.0.0.93. An even kernel needs one odd row or column of padding;
# SAME_LOWER puts it at the start, as the specification and ONNX Runtime have it. OpenCV puts it
# at the end, without a word: everything that follows lies one place off.
# Guess: the padding at the start, or an error.
# Output seen:
#   OpenCV        [21. 32. 43. 54.  5.]
#   ONNX Runtime  [10. 21. 32. 43. 54.]
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

x = np.arange(1, 6, dtype="float32").reshape(1, 1, 1, 5)
kernel = np.array([1, 10], "float32").reshape(1, 1, 1, 2)


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


file = model("Conv", {"y": x.shape}, 18, [kernel], auto_pad="SAME_LOWER")
seen, right = opencv(file)[0].ravel(), runtime(file)[0].ravel()
print("OpenCV       ", seen)
print("ONNX Runtime ", right)
assert right.tolist() == [10, 21, 32, 43, 54]
assert seen.tolist() == [21, 32, 43, 54, 5], "the padding lies at the start now"
PYTHON
