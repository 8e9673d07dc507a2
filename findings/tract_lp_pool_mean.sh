#!/usr/bin/env bash
# tract: GlobalLpPool takes the mean of the powers instead of their sum.
#
# Seen with tract 0.23.9. The operator is the Lp norm over all places, which grows with the size
# of the map. tract divides by the number of places before the root. ONNX Runtime and OpenVINO
# give the norm.
# Guess: the norm.
# Output seen (p = 3, input [1, 2, 3, 4]):
#   tract  2.924
#   norm   4.642
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

x = np.arange(1, 5, dtype="float32").reshape(1, 1, 1, 4)


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


file = model("GlobalLpPool", {"y": (1, 1, 1, 1)}, 18, p=3)
seen, right = tract_(file)[0].item(), (x**3).sum() ** (1 / 3)
print(f"tract  {seen:.3f}")
print(f"norm   {right:.3f}")
assert np.isclose(runtime(file)[0].item(), right)
assert np.isclose(seen, (x**3).mean() ** (1 / 3)), "tract has another value now"
PYTHON
