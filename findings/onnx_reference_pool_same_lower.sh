#!/usr/bin/env bash
# ONNX: the reference evaluator's MaxPool with SAME_LOWER has another shape and other windows.
#
# Seen with onnx 1.23.2, onnxruntime 1.32.0. onnx.reference is the standard's own executable
# meaning. For 7 cells, window 3, step 2 it answers 3 values, where the standard's formula (ceil(7
# / 2)), onnx's own shape inference and onnxruntime say 4. SAME_UPPER is right.
# Guess: the evaluator agrees with the shape inference of the same package.
# Output seen:
#   shape inference  (1, 1, 1, 4)
#   onnxruntime      [1. 3. 5. 6.]
#   evaluator        [2. 4. 6.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, shape_inference
from onnx.reference import ReferenceEvaluator

x = np.arange(7, dtype="float32").reshape(1, 1, 1, 7)
node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[1, 3], strides=[1, 2], auto_pad="SAME_LOWER")
value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
graph = helper.make_graph([node], "g", [value("x", x.shape)], [value("y", None)])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
shape = shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape
inferred = tuple(d.dim_value for d in shape.dim)
run = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
reference = ReferenceEvaluator(model).run(None, {"x": x})[0]
print("shape inference ", inferred)
print("onnxruntime     ", run.ravel())
print("evaluator       ", reference.ravel())
assert run.shape == inferred == (1, 1, 1, 4)
assert reference.shape == (1, 1, 1, 3), "the evaluator's shape is another now"
PYTHON
