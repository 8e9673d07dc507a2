#!/usr/bin/env bash
# ONNX Runtime: in a dynamically quantised network one picture changes its neighbour's answer.
#
# Seen with onnxruntime 1.32.0. quantize_dynamic measures the scale of the activations while the
# network runs, over the whole batch and not for each row. A bright picture takes the 256 levels
# for itself, and the others in the batch are rounded more coarsely. Every method that stacks
# masked copies of a picture into a batch gets scores that depend on the batch size.
# Guess: the answer for a picture is the same alone and beside another.
# Output seen:
#   float32           [-2.613  2.366 -0.802  1.224]
#   int8, alone       [-2.634  2.381 -0.785  1.261]
#   int8, beside one  [-1.736  2.165 -0.829  0.964] a hundred times as bright
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import os
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic

random = np.random.default_rng(0)
weights = random.normal(size=(16, 4)).astype("float32")
value = lambda name, length: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", length])
graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [value("x", 16)], [value("y", 4)],
                          [numpy_helper.from_array(weights, "w")])
with tempfile.TemporaryDirectory() as folder:
    plain, small = (os.path.join(folder, name) for name in ("plain.onnx", "small.onnx"))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), plain)
    quantize_dynamic(plain, small)
    session = onnxruntime.InferenceSession(small)
picture = random.random((1, 16)).astype("float32")
alone = session.run(None, {"x": picture})[0][0]
beside = session.run(None, {"x": np.concatenate([picture, 100 * picture])})[0][0]
print("float32          ", (picture @ weights)[0].round(3))
print("int8, alone      ", alone.round(3))
print("int8, beside one ", beside.round(3), "a hundred times as bright")
assert abs(alone - picture @ weights).max() < 0.1
assert abs(alone - beside).max() > 0.3, "each picture has its own scale now"
PYTHON
