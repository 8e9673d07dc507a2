#!/usr/bin/env bash
# onnx2torch: CumSum sums from the end, and NonZero returns its table turned round.
#
# Seen with onnx2torch 1.5.15, torch 2.13.0, onnx 1.23.2, onnxruntime 1.32.0. The specification's
# default of reverse is 0; onnx2torch takes 1, and most exporters leave defaults out. NonZero has a
# row for each axis in ONNX and a row for each place in PyTorch; onnx2torch returns PyTorch's.
# Position codes and masks are built of these two.
# Guess: the values and shapes of ONNX Runtime.
# Output seen:
#   CumSum   onnx2torch [10.0, 9.0, 7.0, 4.0]                      ONNX Runtime [1.0, 3.0, 6.0, 10.0]
#   NonZero  onnx2torch [[0, 0], [0, 2], [1, 1]]                   ONNX Runtime [[0, 0, 1], [0, 2, 1]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile torch==2.13.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
# torchvision serves two other operators (NonMaxSuppression, RoiAlign) and is left out.
"$folder/bin/pip" install --quiet --quiet --no-compile --no-deps onnx2torch==1.5.15
"$folder/bin/python" - <<'PYTHON'
import sys
from unittest import mock

import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

sys.modules["torchvision"] = sys.modules["torchvision.ops"] = mock.MagicMock()
import onnx2torch


def both(operator, kind, x, *constants):
    """What onnx2torch and ONNX Runtime answer for a file of one operator without attributes."""
    names = ["x", *(f"c{k}" for k in range(len(constants)))]
    stored = [numpy_helper.from_array(array, name) for array, name in zip(constants, names[1:], strict=True)]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
    answer = helper.make_tensor_value_info("y", kind, None)
    graph = helper.make_graph([helper.make_node(operator, names, ["y"])], "g", [given], [answer], stored)
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    right = onnxruntime.InferenceSession(file.SerializeToString()).run(None, {"x": x})[0]
    seen = onnx2torch.convert(file).eval()(torch.from_numpy(x)).numpy()
    print(f"{operator:8} onnx2torch {str(seen.tolist()):42} ONNX Runtime {right.tolist()}")
    return seen, right


seen, right = both("CumSum", TensorProto.FLOAT, np.array([1, 2, 3, 4], "float32"), np.array(0))
assert right.tolist() == [1, 3, 6, 10]
assert seen.tolist() == [10, 9, 7, 4], "CumSum sums from the start now"
seen, right = both("NonZero", TensorProto.INT64, np.array([[1, 0, 2], [0, 3, 0]], "float32"))
assert right.shape == (2, 3)
assert np.array_equal(seen, right.T), "NonZero has a row for each axis now"
PYTHON
