#!/usr/bin/env bash
# ONNX: its evaluator leaves most channels out of local response normalisation.
#
# Seen with onnx 1.23.2. Of equal channels the first gets a norm, the others come back as they
# were: the window of each channel is cut as if it lay in the middle of the picture. ONNX Runtime
# and the formula of the specification agree.
# Guess: the formula; what the evaluator says is used as the truth of tests elsewhere.
# Output seen (three channels of 2, size 3, alpha 0.9, beta 0.5):
#   onnx's evaluator  [1.085 2.    2.   ]
#   ONNX Runtime      [1.085 0.933 1.085]
#   formula           [1.085 0.933 1.085]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 numpy==2.4.6 onnxruntime==1.32.0
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

np.set_printoptions(precision=3, suppress=True)
x = np.full((1, 3, 1, 1), 2, "float32")


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


def runtime(file):
    session = onnxruntime.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


def reference(file):
    return ReferenceEvaluator(file).run(None, {"x": x})


file = model("LRN", {"y": x.shape}, 18, size=3, alpha=0.9, beta=0.5, bias=1.0)
flat = x.ravel().tolist()
right = [
    flat[c] / (1 + 0.9 / 3 * sum(v * v for v in flat[max(0, c - 1) : c + 2])) ** 0.5
    for c in range(3)
]
seen = reference(file)[0].ravel()
print("onnx's evaluator ", seen)
print("ONNX Runtime     ", runtime(file)[0].ravel())
print("formula          ", np.array(right))
assert np.allclose(runtime(file)[0].ravel(), right)
assert np.allclose(seen[1:], 2), "the other channels are normalised now"
PYTHON
