#!/usr/bin/env bash
# ONNX: its evaluator's cubic GridSample with padding_mode="border" moves the place, not the pixels.
#
# Seen with onnx 1.23.2, onnxruntime 1.32.0, torch 2.13.0. With "border" a pixel outside the picture
# counts as its nearest one inside, so just outside the edge the cubic still swings over, as in
# torch and onnxruntime. The evaluator first moves the place onto the edge and gets the edge pixel.
# "zeros" and "reflection" agree in all three.
# Guess: the reference is what the runtimes are measured by.
# Output seen (rows of 0 0 0 1, read a quarter, a half and one pixel beyond the end):
#   torch           [1.105 1.094 1.   ]
#   onnxruntime     [1.105 1.094 1.   ]
#   onnx evaluator  [1. 1. 1.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 onnxruntime==1.32.0 torch==2.13.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

columns = np.tile(np.float32([0, 0, 0, 1]), (1, 1, 4, 1))
places = np.zeros((1, 1, 3, 2), "float32")
places[..., 0] = 1 + np.float32([0.25, 0.5, 1]) * 2 / 3


def run(mode):
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    node = helper.make_node(
        "GridSample", ["x", "g"], ["y"], mode="cubic", padding_mode=mode, align_corners=1
    )
    ins = [value("x", columns.shape), value("g", places.shape)]
    graph = helper.make_graph([node], "g", ins, [value("y", (1, 1, 1, 3))])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    feed = {"x": columns, "g": places}
    like = torch.nn.functional.grid_sample(
        torch.tensor(columns), torch.tensor(places), "bicubic", mode, align_corners=True
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found = {
        "torch": like.numpy(),
        "onnxruntime": session.run(None, feed)[0],
        "onnx evaluator": ReferenceEvaluator(model).run(None, feed)[0],
    }
    return {name: np.asarray(y).ravel() for name, y in found.items()}


seen = run("border")
for name, y in seen.items():
    print(f"{name:15} {y.round(3)}")
assert np.allclose(seen["torch"], seen["onnxruntime"], atol=1e-5)
assert abs(seen["torch"] - seen["onnx evaluator"]).max() > 0.05, "the evaluator swings over now"
for mode in ("zeros", "reflection"):
    other = run(mode)
    assert np.allclose(other["torch"], other["onnx evaluator"], atol=1e-5)
PYTHON
