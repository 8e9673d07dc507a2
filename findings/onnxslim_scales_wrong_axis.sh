#!/usr/bin/env bash
# OnnxSlim: a factor per column after a convolution is folded in as a factor per channel.
#
# Seen with onnxslim 0.1.98, onnx 1.23.2, onnxruntime 1.32.0. Conv followed by Mul with a constant
# of shape (1, 1, 1, 7), a weight for each column (a window or a mask), is merged into the kernel
# whenever the convolution happens to have 7 channels. The result has the right shape and other
# numbers, and nothing is said. With 6 channels the same network is kept.
# Guess: the constant is folded in only where its axis is that of the channels.
# Output seen:
#   7 channels: nodes ['Conv'], largest difference 4.2
#   6 channels: nodes ['Conv', 'Mul'], largest difference 0.0
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



x = np.ones((1, 1, 5, 7), "float32")
columns = np.arange(7, dtype="float32").reshape(1, 1, 1, 7)
difference = {}
for channels in (7, 6):
    kernel = np.linspace(0.1, 0.7, channels, dtype="float32").reshape(channels, 1, 1, 1)
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Mul", ["c", "m"], ["y"])]
    before = model(nodes, x.shape, w=kernel, m=columns)
    right = run(before, x)
    after = slim(before)
    difference[channels] = float(abs(run(after, x) - right).max())
    names = [node.op_type for node in after.graph.node]
    print(f"{channels} channels: nodes {names}, largest difference {difference[channels]:.1f}")
assert difference[7] > 1, "the factor stays on its axis now"
assert difference[6] < 1e-5
PYTHON
