#!/usr/bin/env bash
# PyTorch: the ONNX exporter forgets divisor_override of an average pool.
#
# Seen with torch 2.13.0, onnxscript 0.7.2, onnxruntime 1.32.0. The exported AveragePool divides
# by the window's size; the factor between the two networks is constant and small enough to pass
# for rounding in a deep one. No error and no warning.
# Guess: an argument that ONNX's operator cannot say is refused or written out as a factor.
# Output seen:
#   torch  1.333
#   file   1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile torch==2.13.0 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import logging
import warnings

import onnxruntime
import torch

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
pool = torch.nn.AvgPool2d(2, divisor_override=3).eval()
x = torch.ones(1, 1, 4, 4)
file = torch.onnx.export(pool, (x,), dynamo=True, verbose=False).model_proto.SerializeToString()
session = onnxruntime.InferenceSession(file)
seen = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
print("torch ", round(float(pool(x)[0, 0, 0, 0]), 3))
print("file  ", round(float(seen[0, 0, 0, 0]), 3))
assert abs(float(seen[0, 0, 0, 0]) - 1) < 1e-6, "the divisor is kept now"
PYTHON
