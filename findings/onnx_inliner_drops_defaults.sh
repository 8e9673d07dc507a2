#!/usr/bin/env bash
# ONNX: inlining a standard function leaves a default attribute without a value.
#
# Seen with onnx 1.23.2, onnxruntime 1.32.0. Shrink without the attribute bias means bias 0. The
# inliner replaces the node by its function's body, in which a Constant refers to that attribute,
# and the Constant ends up with no value at all: onnxruntime no longer loads the file. With bias
# written out the result is right. MeanVarianceNormalization without axes goes the same way.
# Guess: the schema's default takes the place of an attribute that is absent.
# Output seen:
#   bias written  [-1.5  0.   1.5]
#   bias left out: the Constants without any value: 1, and the file does not load
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, inliner

x = np.array([-2, 0, 2], "float32")


def inlined(**attributes):
    node = helper.make_node("Shrink", ["x"], ["y"], lambd=0.5, **attributes)
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [3])
    graph = helper.make_graph([node], "g", [value("x")], [value("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return inliner.inline_selected_functions(model, [("", "Shrink")], inline_schema_functions=True)


def run(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"x": x})[0]


print("bias written ", run(inlined(bias=0.5)))
left_out = inlined()
empty = sum(node.op_type == "Constant" and not node.attribute for node in left_out.graph.node)
try:
    loads = run(left_out) is not None
except Exception:
    loads = False
print(f"bias left out: the Constants without any value: {empty}, and the file {'loads' if loads else 'does not load'}")
assert empty == 1 and not loads, "the default is filled in now"
PYTHON
