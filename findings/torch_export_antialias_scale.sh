#!/usr/bin/env bash
# PyTorch: an exported resize with antialias samples other places than the one that was exported.
#
# Seen with torch 2.13.0, onnxscript 0.7.2, onnx 1.23.2, onnxruntime 1.32.0. interpolate(scale_factor=
# 0.6) of nine columns gives five. PyTorch samples with the factor that was asked for (0.6); the file holds
# the size alone, so that a runtime samples with 5/9 and the picture is stretched, most at the far
# edge. Without antialias the exporter does write the factor. Every factor that gives no whole size.
# Guess: the file answers as the network does.
# Output seen:
#   antialias=True   torch [0.43, 4.44, 14.5, 28.0, 49.44]  file [0.71, 5.0, 16.47, 35.0, 55.57]
#   antialias=False  torch [0.33, 4.0, 13.67, 28.67, 49.0]  file [0.33, 4.0, 13.67, 28.67, 49.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile torch==2.13.0 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import logging
import warnings

import numpy as np
import onnxruntime
import torch

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)


class Resize(torch.nn.Module):
    def __init__(self, antialias):
        super().__init__()
        self.antialias = antialias

    def forward(self, x):
        return torch.nn.functional.interpolate(x, scale_factor=(1, 0.6), mode="bilinear", antialias=self.antialias)


x = torch.arange(9.0).square().reshape(1, 1, 1, 9)
errors = {}
for antialias in (True, False):
    network = Resize(antialias).eval()
    right = network(x).numpy().ravel()
    file = torch.onnx.export(network, (x,), dynamo=True, verbose=False).model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(file)
    seen = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0].ravel()
    shown = [np.array(array, float).round(2).tolist() for array in (right, seen)]
    print(f"antialias={antialias!s:5}  torch {shown[0]}  file {shown[1]}")
    errors[antialias] = abs(seen - right).max()
assert errors[False] < 1e-3
assert errors[True] > 5, "the factor is kept now"
PYTHON
