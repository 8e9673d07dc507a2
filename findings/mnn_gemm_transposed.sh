#!/usr/bin/env bash
# MNN: Gemm with transA=1 gives the right numbers in the wrong places.
#
# Seen with MNN 3.6.1, onnxruntime 1.32.0, onnx 1.23.2. A dense layer that reads its features along
# the first axis has transA=1 in the file. MNN returns a matrix of the right shape that holds the
# transposed product, laid out anew: which score belongs to which class and picture is lost.
# Guess: ONNX Runtime's matrix, or an error for an attribute that is not supported.
# Output seen:
#   MNN          [[40.0, 52.0, 46.0, 61.0], [52.0, 70.0, 58.0, 79.0]]
#   ONNX Runtime [[40.0, 46.0, 52.0, 58.0], [52.0, 61.0, 70.0, 79.0]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile MNN==3.6.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
# MNN prints the processor and its progress: only the lines that matter are shown.
"$folder/bin/python" - "$folder" <<'PYTHON' | grep -E "^(MNN|ONNX Runtime) "
import os
import sys

import _tools  # MNN's converter without its command, which would install a package and report its use
import MNN
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

features = np.arange(6, dtype="float32").reshape(3, 2)
weights = np.arange(12, dtype="float32").reshape(3, 4)
value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
node = helper.make_node("Gemm", ["x", "w"], ["y"], transA=1)
graph = helper.make_graph([node], "g", [value("x", [3, 2])], [value("y", [2, 4])], [numpy_helper.from_array(weights, "w")])
source, target = (os.path.join(sys.argv[1], name) for name in ("net.onnx", "net.mnn"))
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), source)
_tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", source, "--MNNModel", target, "--bizCode", "x"])
network = MNN.nn.load_module_from_file(target, ["x"], ["y"])
answer = network.forward([MNN.expr.const(features, [3, 2], MNN.expr.NCHW, MNN.expr.float)])[0]
seen = np.array(answer.read()).reshape(answer.shape)
right = onnxruntime.InferenceSession(source).run(None, {"x": features})[0]
print("\nMNN         ", seen.tolist())
print("ONNX Runtime", right.tolist(), flush=True)
assert np.array_equal(right, features.T @ weights)
assert seen.shape == right.shape and np.array_equal(seen.ravel(), right.T.ravel()), "the places are right now"
PYTHON
