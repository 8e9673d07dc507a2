#!/usr/bin/env bash
# ONNX Runtime: its optimiser moves a Transpose past Resize and Pad, and leaves their axes as they were.
#
# Seen with onnxruntime 1.32.0, onnx 1.23.2. Transpose, Resize(axes=[2, 3]), Transpose back (a
# resize of a network that keeps its channels last) cannot be run at the default level; with
# all four axes named in another order it runs, and another side of the picture is doubled. Pad
# with its input `axes` is treated alike. Without optimisation both give the right picture.
# Guess: the levels of optimisation give the same answer.
# Output seen (a picture of 6 x 8 pixels to be 12 rows high):
#   axes [2, 3]        not optimised (1, 12, 8, 3)
#                      optimised     INVALID_ARGUMENT
#   axes [2, 3, 0, 1]  not optimised (1, 12, 8, 3)
#                      optimised     (1, 6, 16, 3)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

x = np.random.default_rng(0).normal(size=(1, 6, 8, 3)).astype("float32")
LEVELS = {
    "not optimised": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "optimised": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


def run(axes, level):
    factors = np.ones(len(axes), "float32")
    factors[axes.index(2)] = 2
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 3, 1, 2]),
        helper.make_node("Resize", ["a", "", "factors"], ["b"], mode="nearest", axes=axes),
        helper.make_node("Transpose", ["b"], ["y"], perm=[0, 2, 3, 1]),
    ]
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        nodes, "g", [value("x", x.shape)], [value("y", list("nhwc"))], [numpy_helper.from_array(factors, "factors")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level, options.log_severity_level = LEVELS[level], 4
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"x": x})[0].shape
    except Exception as error:
        return str(error).split(":")[2].strip()


seen = {}
for axes in ([2, 3], [2, 3, 0, 1]):
    for level in LEVELS:
        seen[len(axes), level] = run(axes, level)
        label = f"axes {axes}" if level == "not optimised" else ""
        print(f"{label:18} {level:13} {seen[len(axes), level]}")
assert seen[2, "not optimised"] == seen[4, "not optimised"] == (1, 12, 8, 3)
assert seen[2, "optimised"] != (1, 12, 8, 3), "two axes are moved along now"
assert seen[4, "optimised"] == (1, 6, 16, 3), "four axes are moved along now"
PYTHON
