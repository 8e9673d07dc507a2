#!/usr/bin/env bash
# MNN: a cubic Resize gives wrong values in the first row and the first column.
#
# Seen with MNN 3.6.1, onnxruntime 1.32.0, onnx 1.23.2. With half_pixel coordinates, the rule that
# PyTorch exports for bicubic, the first place lies before the first pixel (at -0.25). MNN rounds
# that towards zero instead of down, so it blends the wrong pixels there. All other places are
# right, and the mean error over a picture hardly shows it.
# Guess: ONNX Runtime's values, or an error for a mode that is not supported.
# Output seen:
#   MNN          [ 0.668 0.191 0.668 1.297 1.703 2.297 2.703 3.332 3.809 4.105 ]
#   ONNX Runtime [ -0.105 0.191 0.668 1.297 1.703 2.297 2.703 3.332 3.809 4.105 ]
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

line = np.arange(5, dtype="float32").reshape(1, 1, 1, 5)
node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="cubic", coordinate_transformation_mode="half_pixel")
value = lambda name, length: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 1, length])
scales = numpy_helper.from_array(np.array([1, 1, 1, 2], "float32"), "scales")
graph = helper.make_graph([node], "g", [value("x", 5)], [value("y", 10)], [scales])
source, target = (os.path.join(sys.argv[1], name) for name in ("net.onnx", "net.mnn"))
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), source)
_tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", source, "--MNNModel", target, "--bizCode", "x"])
network = MNN.nn.load_module_from_file(target, ["x"], ["y"])
given = MNN.expr.const(line, list(line.shape), MNN.expr.NCHW, MNN.expr.float)
seen = np.array(MNN.expr.convert(network.forward([given])[0], MNN.expr.NCHW).read()).ravel()
right = onnxruntime.InferenceSession(source).run(None, {"x": line})[0].ravel()
print("\nMNN          [", *(f"{number:.3f}" for number in seen), "]")
print("ONNX Runtime [", *(f"{number:.3f}" for number in right), "]", flush=True)
assert np.allclose(seen[1:], right[1:], atol=1e-3), "other places than the first differ"
assert abs(seen[0] - right[0]) > 0.5, "the first place is right now"
PYTHON
