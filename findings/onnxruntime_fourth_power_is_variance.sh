#!/usr/bin/env bash
# ONNX Runtime: a normalisation by the mean of fourth powers is run as layer normalisation.
#
# Seen with onnxruntime 1.32.0, onnx 1.23.2. The optimiser recognises (x - mean) / sqrt(mean((x -
# mean) ** 2) + 1e-5) and puts LayerNormalization in its place without reading the exponent: with
# ** 4 the answer becomes that of ** 2 as well. It does read it where no mean is taken off (RMS).
# Guess: the levels of optimisation give the same numbers.
# Output seen:
#   exponent 2  not optimised [-1.342 -0.447  0.447  1.342], optimised [-1.342 -0.447  0.447  1.342]
#   exponent 4  not optimised [-0.937 -0.312  0.312  0.937], optimised [-1.342 -0.447  0.447  1.342]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

x = np.array([[0, 1, 2, 3]], "float32")
NODES = [
    helper.make_node("ReduceMean", ["x", "last"], ["mean"]),
    helper.make_node("Sub", ["x", "mean"], ["apart"]),
    helper.make_node("Pow", ["apart", "exponent"], ["power"]),
    helper.make_node("ReduceMean", ["power", "last"], ["spread"]),
    helper.make_node("Add", ["spread", "little"], ["safe"]),
    helper.make_node("Sqrt", ["safe"], ["root"]),
    helper.make_node("Div", ["apart", "root"], ["unit"]),
    helper.make_node("Mul", ["unit", "gain"], ["gained"]),
    helper.make_node("Add", ["gained", "shift"], ["y"]),
]


def run(exponent, level):
    numbers = {
        "last": np.array([-1]),
        "exponent": np.float32(exponent),
        "little": np.float32(1e-5),
        "gain": np.ones(4, "float32"),
        "shift": np.zeros(4, "float32"),
    }
    stored = [numpy_helper.from_array(np.asarray(number), name) for name, number in numbers.items()]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape)
    graph = helper.make_graph(NODES, "g", [value("x")], [value("y")], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"x": x})[0][0]


levels = onnxruntime.GraphOptimizationLevel
seen = {}
for exponent in (2, 4):
    seen[exponent] = run(exponent, levels.ORT_DISABLE_ALL), run(exponent, levels.ORT_ENABLE_ALL)
    plain, fast = seen[exponent]
    print(f"exponent {exponent}  not optimised {plain.round(3)}, optimised {fast.round(3)}")
apart = x[0] - x.mean()
assert np.allclose(seen[4][0], apart / np.sqrt((apart**4).mean() + 1e-5), atol=1e-4)
assert np.allclose(seen[4][1], seen[2][0], atol=1e-4), "the exponent is read now"
PYTHON
