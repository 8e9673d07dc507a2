#!/usr/bin/env bash
# tract: Celu divides by alpha once too often.
#
# Seen with tract 0.23.9. Celu of a negative x is alpha * (exp(x / alpha) - 1); tract gives that
# divided by alpha, so that only alpha = 1 is right. ONNX Runtime follows the formula.
# Guess: the formula.
# Output seen (alpha 2, input [-1, -2]):
#   tract    [-0.393 -0.632]
#   formula  [-0.787 -1.264]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile tract==0.23.9 onnx==1.23.2 numpy==2.4.6 onnxruntime==1.32.0
"$folder/bin/python" - <<'PYTHON'
import tempfile

import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper, numpy_helper

np.set_printoptions(precision=3, suppress=True)
x = -np.array([[1, 2]], "float32")


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


def tract_(file):
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(file, f"{folder}/m.onnx")
        loaded = tract.onnx().load(f"{folder}/m.onnx").into_model()
        return [value.to_numpy() for value in loaded.into_runnable().run([x])]


def runtime(file):
    session = onnxruntime.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


file = model("Celu", {"y": x.shape}, 18, alpha=2.0)
seen, right = tract_(file)[0], 2 * (np.exp(x / 2) - 1)
print("tract   ", seen[0])
print("formula ", right[0])
assert np.allclose(runtime(file)[0], right, atol=1e-6)
assert np.allclose(seen, right / 2, atol=1e-5), "tract has other values now"
PYTHON
