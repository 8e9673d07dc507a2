#!/usr/bin/env bash
# ONNX's evaluator and OpenCV: the clip of an LSTM is left out.
#
# Seen with onnx 1.23.2, opencv-python-headless 5.0.0.93. `clip` bounds what goes into the
# activations of a cell. Neither library says that it does without. ONNX Runtime and OpenVINO
# clip.
# Guess: clipped, or an error for an attribute that is not followed.
# Output seen (clip 0.5, three steps):
#   onnx's evaluator  [0.37  0.791 0.948]
#   OpenCV            [0.37  0.791 0.948]
#   ONNX Runtime      [0.174 0.271 0.325]
#   the same, no clip [0.37  0.791 0.948]
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
from onnx.reference import ReferenceEvaluator

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


def reference(file):
    return ReferenceEvaluator(file).run(None, {"x": x})


clipped = model("LSTM", outputs, 18, weights, hidden_size=1, clip=0.5)
plain = runtime(model("LSTM", outputs, 18, weights, hidden_size=1))[0].ravel()
right = runtime(clipped)[0].ravel()
for name, run in {"onnx's evaluator": reference, "OpenCV": opencv}.items():
    y = np.asarray(run(clipped)[0]).ravel()
    print(f"{name:17}", y)
    assert np.allclose(y, plain, atol=1e-5), f"{name} clips now"
print("ONNX Runtime     ", right)
print("the same, no clip", plain)
assert abs(right - plain).max() > 0.1
PYTHON
