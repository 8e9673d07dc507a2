#!/usr/bin/env bash
# ONNX: its evaluator's Resize with align_corners misses the last corner where a length is cut off.
#
# Seen with onnx 1.23.2, onnxruntime 1.32.0. 8 pixels at scale 0.6 make 4.8, cut off to 4; the
# corners are aligned if the fourth reads the eighth. The evaluator spaces its samples by the
# uncut 4.8. With pytorch_half_pixel one pixel left of 1.2 reads the middle instead of the first.
# Guess: the length of the output is the one that the output has.
# Output seen:
#   align_corners       runtime [0.    2.333 4.667 7.   ] evaluator [0.    1.842 3.684 5.526]
#   pytorch_half_pixel  runtime [0.] evaluator [2.833]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

x = np.arange(8, dtype="float32").reshape(1, 1, 1, 8)
for coordinates, scale, wrong in (("align_corners", 0.6, 7 * 3 / 3.8), ("pytorch_half_pixel", 0.15, 8.5 / 3)):
    node = helper.make_node(
        "Resize", ["x", "", "scales"], ["y"], mode="linear", coordinate_transformation_mode=coordinates
    )
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 1, scale])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    runtime = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0].ravel()
    evaluator = ReferenceEvaluator(model).run(None, {"x": x})[0].ravel()
    print(f"{coordinates:19} runtime", runtime.round(3), "evaluator", evaluator.round(3))
    assert len(runtime) == len(evaluator) and np.isclose(evaluator[-1], wrong, atol=1e-3), "other places now"
    assert np.isclose(runtime[-1], 7 if coordinates == "align_corners" else 0)
PYTHON
