#!/usr/bin/env bash
# ONNX Optimizer: of two Reshapes the first is dropped although the second copies its lengths.
#
# Seen with onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0. A 0 in the second Reshape's
# shape means "the same length as in the input", here the first Reshape's output. With that one
# dropped the zeros copy the picture's own lengths, and the answer's axes are others.
# Guess: a shape with zeros is not taken for a full description.
# Output seen:
#   before (2, 1, 7, 9)
#   after  (1, 2, 7, 9)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnxoptimizer==0.4.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, shape_inference
import onnxoptimizer


def model(nodes, shape, opset=18, **constants):
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    stored = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "g", [value("x", shape)], [value("y", None)], stored)
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return shape_inference.infer_shapes(built)


def run(model, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"x": x})[0]



x = np.zeros((1, 2, 7, 9), "float32")
nodes = [helper.make_node("Reshape", ["x", "s"], ["a"]), helper.make_node("Reshape", ["a", "t"], ["y"])]
before = model(nodes, x.shape, s=np.array([2, 1, 63]), t=np.array([0, 0, 7, 9]))
right, seen = run(before, x).shape, run(onnxoptimizer.optimize(before), x).shape
print("before", right)
print("after ", seen)
assert right == (2, 1, 7, 9)
assert seen == (1, 2, 7, 9), "the shape stays now"
PYTHON
