#!/usr/bin/env bash
# OnnxSlim: a random node becomes one fixed draw.
#
# Seen with onnxslim 0.1.98, onnx 1.23.2, onnxruntime 1.32.0. RandomUniform has no input, so that
# it counts as a constant and is computed once, while the file is made smaller. Every later run
# adds the same noise. RandomNormalLike, which has an input, stays random. Networks that average
# over noise (SmoothGrad inside the file, dropout kept on for uncertainty) then report no spread
# at all.
# Guess: a node that the standard calls random is not a constant.
# Output seen:
#   before: ['RandomUniform', 'Add'] two runs equal: False
#   after:  ['Add'] two runs equal: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnxslim==0.1.98 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnxslim import slim


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



x = np.zeros((1, 4), "float32")
nodes = [helper.make_node("RandomUniform", [], ["r"], shape=[1, 4]), helper.make_node("Add", ["x", "r"], ["y"])]
before = model(nodes, x.shape)
after = slim(model(nodes, x.shape))


def twice(file):
    session = onnxruntime.InferenceSession(file.SerializeToString())
    return np.array_equal(*(session.run(None, {"x": x})[0] for _ in range(2)))


print("before:", [n.op_type for n in before.graph.node], "two runs equal:", twice(before))
print("after: ", [n.op_type for n in after.graph.node], "two runs equal:", twice(after))
assert not twice(before)
assert twice(after), "the node stays random now"
PYTHON
