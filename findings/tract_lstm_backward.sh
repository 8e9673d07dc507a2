#!/usr/bin/env bash
# tract: an LSTM with direction="reverse" runs forwards.
#
# Seen with tract 0.23.9. The attribute is read past without a word, so that a backward layer of a
# file answers as a forward layer with its weights. ONNX Runtime reads backwards.
# Guess: backwards, or an error.
# Output seen:
#   tract             [0.37  0.791 0.948]
#   ONNX Runtime      [0.785 0.861 0.704]
#   the same, forward [0.37  0.791 0.948]
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
x = np.array([1, 2, 3], "float32").reshape(3, 1, 1)
weights = [np.ones((1, 4, 1), "float32"), np.full((1, 4, 1), 0.5, "float32")]
outputs = {"y": (3, 1, 1, 1), "h": (1, 1, 1), "c": (1, 1, 1)}


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


file = model("LSTM", outputs, 18, weights, hidden_size=1, direction="reverse")
forward = runtime(model("LSTM", outputs, 18, weights, hidden_size=1))[0].ravel()
seen, right = np.ravel(tract_(file)[0]), runtime(file)[0].ravel()
print("tract            ", seen)
print("ONNX Runtime     ", right)
print("the same, forward", forward)
assert abs(right - forward).max() > 0.1
assert np.allclose(seen, forward, atol=1e-5), "tract runs backwards now"
PYTHON
