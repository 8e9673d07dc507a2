#!/usr/bin/env bash
# ONNX Runtime: quantised in the operator format, a Relu behind a pooling or a Reshape is dropped.
#
# Seen with onnxruntime 1.32.0, onnx 1.23.2. Conv, MaxPool, Relu (the order of many small networks)
# comes out of quantize_static(quant_format=QuantFormat.QOperator) without the Relu, and nothing
# takes its place: what was negative stays negative. Behind Transpose, Reshape, Flatten, Squeeze,
# Unsqueeze and Resize it is the same. Right behind Conv the Relu goes too, but there the scale
# starts at zero and does its work. The other format, QDQ, gives the network's numbers.
# Guess: both formats have the network's numbers, to about a 255th of their range.
# Output seen:
#   network   0.0 ... 3.0
#   QDQ       0.0 ... 3.0
#   QOperator -1.0 ... 3.0
#   its nodes QuantizeLinear QLinearConv MaxPool DequantizeLinear
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
x = np.linspace(-3, 3, 16, dtype="float32").reshape(1, 1, 4, 4)


class OnePicture(CalibrationDataReader):
    def __init__(self):
        self.left = [{"x": x}]

    def get_next(self):
        return self.left.pop() if self.left else None


def run(path):
    return onnxruntime.InferenceSession(path).run(None, {"x": x})[0]


nodes = [
    helper.make_node("Conv", ["x", "w"], ["c"]),
    helper.make_node("MaxPool", ["c"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("Relu", ["p"], ["y"]),
]
value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
kernel = numpy_helper.from_array(np.ones((1, 1, 1, 1), "float32"), "w")
graph = helper.make_graph(nodes, "g", [value("x", x.shape)], [value("y", (1, 1, 2, 2))], [kernel])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), "network.onnx")
seen = {"network": run("network.onnx")}
print(f"network   {seen['network'].min():.1f} ... {seen['network'].max():.1f}")
for form in (QuantFormat.QDQ, QuantFormat.QOperator):
    quantize_static("network.onnx", "small.onnx", OnePicture(), quant_format=form)
    y = seen[form.name] = run("small.onnx")
    print(f"{form.name:9} {y.min():.1f} ... {y.max():.1f}")
kinds = [node.op_type for node in onnx.load("small.onnx").graph.node]
print("its nodes", *kinds)
assert abs(seen["QDQ"] - seen["network"]).max() < 0.05
assert seen["QOperator"].min() < -0.9, "the Relu is kept now"
PYTHON
