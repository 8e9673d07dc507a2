#!/usr/bin/env bash
# OpenCV: the last state of a backward LSTM is that of the step it began with.
#
# Seen with opencv-python-headless 5.0.0.93. A backward LSTM reads from the last step to the first,
# so its final hidden state is its answer at the first step. OpenCV hands out the answer at the
# last step, after which it had read one step of three. The sequence itself is right.
# Guess: the state after all steps.
# Output seen (sequence; final state):
#   OpenCV        [0.785 0.861 0.704] [0.704]
#   ONNX Runtime  [0.785 0.861 0.704] [0.785]
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
x = np.array([1, 2, 3], "float32").reshape(3, 1, 1)
weights = [np.ones((1, 4, 1), "float32"), np.full((1, 4, 1), 0.5, "float32")]
outputs = {"y": (3, 1, 1, 1), "h": (1, 1, 1), "c": (1, 1, 1)}


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


file = model("LSTM", outputs, 18, weights, hidden_size=1, direction="reverse")
seen, right = ([np.ravel(value) for value in run(file)] for run in (opencv, runtime))
print("OpenCV       ", seen[0], seen[1])
print("ONNX Runtime ", right[0], right[1])
assert np.allclose(seen[0], right[0], atol=1e-5)
assert np.allclose(right[1], right[0][0])
assert np.allclose(seen[1], seen[0][-1]), "the final state is another one now"
PYTHON
