#!/usr/bin/env bash
# ONNX: the version converter shifts what a Resize or Upsample reads.
#
# Seen with onnx 1.23.2, onnxruntime 1.32.0. Resize of opset 10 and Upsample of opset 9 sample at
# i / scale. From opset 11 the place is an attribute whose default is (i + 0.5) / scale - 0.5; the
# converter writes no attribute, so that a converted network reads half a pixel elsewhere, and its
# maps are shifted with it.
# Guess: convert_version keeps the values, as it does for Softmax and Clip.
# Output seen:
#   opset 10  [0.   0.5  1.   1.5  2.   2.5  3.   3.  ]
#   opset 13  [0.   0.25 0.75 1.25 1.75 2.25 2.75 3.  ]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx import version_converter


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



x = np.arange(4, dtype="float32").reshape(1, 1, 1, 4)
node = helper.make_node("Resize", ["x", "s"], ["y"], mode="linear")
old = model([node], x.shape, opset=10, s=np.array([1, 1, 1, 2], "float32"))
right, seen = run(old, x).ravel(), run(version_converter.convert_version(old, 13), x).ravel()
print("opset 10 ", right)
print("opset 13 ", seen)
assert right[1] == 0.5
assert seen[1] == 0.25, "the samples stay now"
PYTHON
