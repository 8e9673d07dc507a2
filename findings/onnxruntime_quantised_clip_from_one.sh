#!/usr/bin/env bash
# ONNX Runtime: quantising drops a Clip whose limits are both positive or both negative.
#
# Seen with onnxruntime 1.32.0, onnx 1.23.2. Behind a convolution quantize_static removes Clip and
# leaves its work to the 8-bit range, which stops at the limits by itself. But that range always
# holds zero, so of the limits 1 and 2 only the 2 is left (a divisor that must not become 0 does),
# and of -2 and -1 only the -2. In both formats, with no warning.
# Guess: Clip is removed only where the range ends at its limits.
# Output seen:
#   Clip 0 ... 2    network [0. 0. 1. 2.], QDQ [0. 0. 1. 2.], QOperator [0. 0. 1. 2.]
#   Clip 1 ... 2    network [1. 1. 1. 2.], QDQ [0. 0. 1. 2.], QOperator [0. 0. 1. 2.]
#   Clip -2 ... -1  network [-2. -1. -1. -1.], QDQ [-2. -1.  0.  0.], QOperator [-2. -1.  0.  0.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$folder"
bin/python - <<'PYTHON'
import logging

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

logging.disable(logging.WARNING)
x = np.array([-3, -1, 1, 3], "float32").reshape(1, 1, 1, 4)


class OnePicture(CalibrationDataReader):
    def __init__(self):
        self.left = [{"x": x}]

    def get_next(self):
        return self.left.pop() if self.left else None


def run(path):
    return onnxruntime.InferenceSession(path).run(None, {"x": x})[0]


value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Clip", ["c", "low", "high"], ["y"])]
seen = {}
for low, high in ((0, 2), (1, 2), (-2, -1)):
    numbers = {"w": np.ones((1, 1, 1, 1)), "low": np.array(low), "high": np.array(high)}
    stored = [numpy_helper.from_array(n.astype("float32"), name) for name, n in numbers.items()]
    graph = helper.make_graph(nodes, "g", [value("x", x.shape)], [value("y", x.shape)], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, "network.onnx")
    answers = {"network": run("network.onnx").ravel()}
    for form in (QuantFormat.QDQ, QuantFormat.QOperator):
        quantize_static("network.onnx", "small.onnx", OnePicture(), quant_format=form)
        answers[form.name] = run("small.onnx").ravel()
    seen[low, high] = np.stack(list(answers.values()))
    told = ", ".join(f"{name} {y.round(1) + 0.0}" for name, y in answers.items())
    print(f"Clip {low} ... {high}".ljust(15), told)
assert abs(seen[0, 2][1:] - seen[0, 2][0]).max() < 0.05
assert np.allclose(seen[1, 2][1:, :2], 0, atol=0.05), "the lower limit holds now"
assert np.allclose(seen[-2, -1][1:, 2:], 0, atol=0.05), "the upper limit holds now"
PYTHON
