#!/usr/bin/env bash
# ONNX Optimizer: a Pad merged into AveragePool changes the border's averages.
#
# Seen with onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0. A Pad of zeros before a pool
# that has its own padding (left out of the average) is added to that padding. The zeros of the
# Pad were counted in the average before and are left out or counted together with the rest
# afterwards, so that a corner has another value.
# Guess: the two kinds of padding are kept apart, since one counts and the other does not.
# Output seen:
#   before ['Pad', 'AveragePool'] corner 0.25
#   after  ['AveragePool'] corner 0.111
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



x = np.ones((1, 1, 6, 6), "float32")
pool = helper.make_node("AveragePool", ["a"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
nodes = [helper.make_node("Pad", ["x", "p"], ["a"]), pool]
before = model(nodes, x.shape, p=np.array([0, 0, 1, 1, 0, 0, 1, 1]))
after = onnxoptimizer.optimize(before)
right, seen = run(before, x)[0, 0, 0, 0], run(after, x)[0, 0, 0, 0]
print("before", [n.op_type for n in before.graph.node], "corner", right.round(3))
print("after ", [n.op_type for n in after.graph.node], "corner", seen.round(3))
assert abs(right - seen) > 0.05, "the averages stay now"
PYTHON
