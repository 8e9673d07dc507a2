#!/usr/bin/env bash
# ONNX Runtime: Sigmoid is no rising function: that of -17 is larger than that of -16.
#
# Seen with onnxruntime 1.32.0 (CPU). Its fast approximation ends near 1e-7: below about -10 the
# values wander by up to their double, and from -18 on they are exactly 0, where float32 reaches
# down to -103. Tanh, Softplus and Mish of the same runtime are right to the last digits. Who ranks
# the pixels of a mask by low scores gets another order, and a logarithm of the score is -inf.
# Guess: a rising function, right to a few parts in a million of itself.
# Output seen:
#   score     -14      -15      -16      -17      -18
#   right     8.32e-07 3.06e-07 1.13e-07 4.14e-08 1.52e-08
#   runtime   7.75e-07 3.58e-07 5.96e-08 8.94e-08 0.00e+00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

scores = np.arange(-14, -19, -1).astype("float32")
shape = [len(scores)]
graph = helper.make_graph(
    [helper.make_node("Sigmoid", ["x"], ["y"])],
    "g",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
seen = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": scores})[0]
right = 1 / (1 + np.exp(-scores.astype(float)))
print("score    ", *(f"{score:<8.0f}" for score in scores))
print("right    ", *(f"{value:.2e}" for value in right))
print("runtime  ", *(f"{value:.2e}" for value in seen))
assert seen[3] > seen[2], "the sigmoid rises now"
assert seen[4] == 0 and abs(seen[1] / right[1] - 1) > 0.1, "the sigmoid of small scores is another"
PYTHON
