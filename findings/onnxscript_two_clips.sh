#!/usr/bin/env bash
# ONNX Script's optimizer: two Clips one after the other become one with other values.
#
# Seen with onnxscript 0.7.2, onnx 1.23.2, onnxruntime 1.32.0. Clip to [-1, 0.2] and then to [0.5,
# 3] is 0.5 everywhere. The optimizer takes the larger minimum and the smaller maximum, [0.5,
# 0.2], and a runtime answers 0.2 for it. torch.onnx.export runs this optimizer by default.
# Guess: the merged limits are clipped themselves, so that the values stay.
# Output seen:
#   before ['Clip', 'Clip'] [0.5 0.5 0.5]
#   after  ['Clip'] [0.2 0.2 0.2]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnxscript import optimizer


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



x = np.array([-2, 0, 2], "float32")
nodes = [helper.make_node("Clip", ["x", "a", "b"], ["c"]), helper.make_node("Clip", ["c", "d", "e"], ["y"])]
limits = dict(zip("abde", np.array([-1, 0.2, 0.5, 3], "float32"), strict=True))
before = model(nodes, x.shape, **{name: np.array(limit) for name, limit in limits.items()})
right = run(before, x)
print("before", [n.op_type for n in before.graph.node], right)
after = optimizer.optimize(before)
seen = run(after, x)
print("after ", [n.op_type for n in after.graph.node], seen)
assert np.allclose(right, 0.5)
assert np.allclose(seen, 0.2), "the values stay now"
PYTHON
