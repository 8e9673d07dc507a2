#!/usr/bin/env bash
# ONNX: before opset 22 shape inference counts a pooling window that the runtime leaves out.
#
# Seen with onnx 1.23.2, onnxruntime 1.32.0. MaxPool of 8 cells, window 3, step 3, padding 1,
# ceil_mode=1: a fourth window would lie in the padding alone. The inference of opset 21 says 4,
# that of opset 22 says 3, and onnxruntime answers 3 for both. A grid laid out by the inferred
# shape is too large by one cell.
# Guess: the inferred shape is the shape of the answer.
# Output seen:
#   opset 21 inferred 4 computed 3
#   opset 22 inferred 3 computed 3
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, shape_inference

seen = {}
for opset in (21, 22):
    node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[3], strides=[3], pads=[1, 1], ceil_mode=1)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([node], "g", [value("x", (1, 1, 8))], [value("y", None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    inferred = shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape.dim[2].dim_value
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    computed = session.run(None, {"x": np.ones((1, 1, 8), "float32")})[0].shape[2]
    print("opset", opset, "inferred", inferred, "computed", computed)
    seen[opset] = inferred, computed
assert seen == {21: (4, 3), 22: (3, 3)}, "the shapes are others now"
PYTHON
