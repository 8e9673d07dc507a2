#!/usr/bin/env bash
# ONNX Runtime: quantising divides the bias of a Gemm by beta instead of multiplying it.
#
# Seen with onnxruntime 1.32.0, onnx 1.23.2. Gemm with beta=3 and a constant bias: quantize_static
# sets beta to 1 and stores a third of the bias, where it should be three times as much: a bias of
# 10 that counts 30 becomes 3.3. In both formats, with any type of weights, with no warning.
# Guess: beta is multiplied into the bias before it is rounded.
# Output seen (the weights are nearly zero, so the answer is the bias):
#   beta 1  network  10.00, QDQ  10.00, QOperator  10.00
#   beta 3  network  30.00, QDQ   3.29, QOperator   3.29
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
x = np.linspace(-1, 1, 8, dtype="float32").reshape(1, 8)


class OnePicture(CalibrationDataReader):
    def __init__(self):
        self.left = [{"x": x}]

    def get_next(self):
        return self.left.pop() if self.left else None


def run(path):
    return onnxruntime.InferenceSession(path).run(None, {"x": x})[0]


value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
weights = numpy_helper.from_array(np.full((8, 1), 0.001, "float32"), "w")
bias = numpy_helper.from_array(np.float32([10]), "b")
seen = {}
for beta in (1, 3):
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], beta=float(beta))
    graph = helper.make_graph([node], "g", [value("x", x.shape)], [value("y", (1, 1))], [weights, bias])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, "network.onnx")
    answers = [float(run("network.onnx")[0, 0])]
    for form in (QuantFormat.QDQ, QuantFormat.QOperator):
        quantize_static("network.onnx", "small.onnx", OnePicture(), quant_format=form)
        answers.append(float(run("small.onnx")[0, 0]))
    seen[beta] = answers
    print(f"beta {beta}  network {answers[0]:6.2f}, QDQ {answers[1]:6.2f}, QOperator {answers[2]:6.2f}")
assert np.allclose(seen[1], 10, atol=0.1)
assert np.allclose(seen[3], [30, 10 / 3, 10 / 3], atol=0.1), "beta counts now"
PYTHON
