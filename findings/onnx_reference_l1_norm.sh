#!/usr/bin/env bash
# ONNX: its evaluator's L1 norm is the sum of the values, signs and all.
#
# Seen with onnx 1.23.2. With values of both signs the sum may be small or negative, which turns
# the signs around. ONNX Runtime and OpenVINO divide by the L1 norm.
# Guess: the L1 norm.
# Output seen (input [1, -3]):
#   onnx's evaluator  [-0.5  1.5]
#   ONNX Runtime      [ 0.25 -0.75]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 numpy==2.4.6 onnxruntime==1.32.0
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

x = np.array([[1, -3]], "float32")


def model(op, outputs, opset, weights=(), **attributes):
    """A file of one operator on x."""
    names = ["x", *(f"w{k}" for k in range(len(weights)))]
    held = [numpy_helper.from_array(w, n) for w, n in zip(weights, names[1:], strict=True)]
    node = helper.make_node(op, names, list(outputs), **attributes)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(
        [node], "g", [value("x", x.shape)], [value(*pair) for pair in outputs.items()], held
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def runtime(file):
    session = onnxruntime.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


def reference(file):
    return ReferenceEvaluator(file).run(None, {"x": x})


file = model("LpNormalization", {"y": x.shape}, 22, axis=1, p=1)
seen, right = reference(file)[0], runtime(file)[0]
print("onnx's evaluator ", seen[0])
print("ONNX Runtime     ", right[0])
assert right.tolist() == [[0.25, -0.75]]
assert seen.tolist() == [[-0.5, 1.5]], "the evaluator has other values now"
PYTHON
