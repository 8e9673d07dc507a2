#!/usr/bin/env bash
# ONNX Runtime: the average of a window that sticks out changed between 1.28 and 1.29.
#
# Seen with onnxruntime 1.28.0 and 1.29.0, onnx 1.23.2. AveragePool with ceil_mode=1 and
# count_include_pad=1: a last window that reaches beyond the padding is divided by its full size
# in 1.28.0 and by the cells inside the padded picture in 1.29.0. The file and its opset are the
# same; an update of the runtime moves the scores and the gradient of the border.
# Guess: the standard's operator has one value for each opset.
# Output seen:
#   1.28.0 [0.667 1.    1.    0.333]
#   1.29.0 [0.667 1.    1.    0.5  ]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import subprocess
import sys
import tempfile

code = '''
import numpy as np, onnxruntime
from onnx import TensorProto, helper
node = helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[3], strides=[2], pads=[1, 1], ceil_mode=1, count_include_pad=1)
value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
graph = helper.make_graph([node], "g", [value("x", (1, 1, 6))], [value("y", None)])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
run = onnxruntime.InferenceSession(model.SerializeToString()).run
print(onnxruntime.__version__, run(None, {"x": np.ones((1, 1, 6), "float32")})[0].ravel().round(3))
'''
seen = []
for version in ("1.28.0", "1.29.0"):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--target", folder, f"onnxruntime=={version}"], check=True)
        code_there = f"import sys; sys.path.insert(0, {folder!r})" + code
        seen.append(subprocess.run([sys.executable, "-c", code_there], check=True, capture_output=True, text=True).stdout.strip())
        print(seen[-1])
assert "0.333" in seen[0] and "0.5" in seen[1], "the two versions answer otherwise now"
PYTHON
