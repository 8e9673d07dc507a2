#!/usr/bin/env bash
# MNN: Round takes halves away from zero, and Shrink keeps the wrong values below zero.
#
# Seen with MNN 3.6.1, onnxruntime 1.32.0, onnx 1.23.2. ONNX rounds a half to the even number (2.5 to 2),
# so a network that rounds inside (simulated quantisation) is one level off at every tie. Shrink
# moves the large values towards zero and clears the small ones; below zero MNN does the reverse:
# it clears -2 and moves -0.3.
# Guess: ONNX Runtime's values.
# Output seen:
#   Round  MNN [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]
#   Round  ONNX Runtime [-2.0, -2.0, -0.0, 0.0, 2.0, 2.0]
#   Shrink MNN [0.0, 0.0, -0.1, 0.0, 0.8, 1.8]
#   Shrink ONNX Runtime [-1.8, -0.8, 0.0, 0.0, 0.8, 1.8]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile MNN==3.6.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
# MNN prints the processor and its progress: only the lines that matter are shown.
"$folder/bin/python" - "$folder" <<'PYTHON' | grep -E "^(Round|Shrink) "
import os
import sys

import _tools  # MNN's converter without its command, which would install a package and report its use
import MNN
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper


def both(operator, numbers, **attributes):
    """What MNN and ONNX Runtime answer for a file of one operator."""
    x = np.array([numbers], "float32")
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape)
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"], **attributes)], "g", [value("x")], [value("y")])
    source, target = (os.path.join(sys.argv[1], operator + end) for end in (".onnx", ".mnn"))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), source)
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", source, "--MNNModel", target, "--bizCode", "x"])
    network = MNN.nn.load_module_from_file(target, ["x"], ["y"])
    answer = network.forward([MNN.expr.const(x, list(x.shape), MNN.expr.NCHW, MNN.expr.float)])[0]
    seen = np.array(answer.read(), float).ravel().round(3).tolist()
    right = onnxruntime.InferenceSession(source).run(None, {"x": x})[0].astype(float).ravel().round(3).tolist()
    print(f"\n{operator:6} MNN {seen}\n{operator:6} ONNX Runtime {right}", flush=True)
    return seen, right


seen, right = both("Round", [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
assert right == [-2, -2, 0, 0, 2, 2]
assert seen == [-3, -2, -1, 1, 2, 3], "halves go to the even number now"
seen, right = both("Shrink", [-2, -1, -0.3, 0.3, 1, 2], lambd=0.5, bias=0.2)
assert right == [-1.8, -0.8, 0, 0, 0.8, 1.8]
assert seen == [0, 0, -0.1, 0, 0.8, 1.8], "Shrink is the same on both sides now"
PYTHON
