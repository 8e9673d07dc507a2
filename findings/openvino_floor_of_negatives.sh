#!/usr/bin/env bash
# OpenVINO: x // 2 of a negative whole number is rounded towards zero.
#
# Seen with openvino 2026.4.1, torch 2.13.0 (a PyTorch module converted directly). PyTorch
# rounds down, so that -1 and -2 share a cell and 0 and 1 the next. Converted, -1, 0 and 1 share
# one: offsets to the left of a grid's origin (relative positions, cells of patches) land in another cell.
# Of floats the same expression is right.
# Guess: -4 -2 -1 0 0 1.
# Output seen:
#   torch     [-4 -2 -1  0  0  1]
#   OpenVINO  [-3 -1  0  0  0  1]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile openvino==2026.4.1 torch==2.13.0 numpy==2.4.6
"$folder/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import numpy as np
import openvino
import torch


class Network(torch.nn.Module):
    def forward(self, x):
        return x // 2


x = torch.tensor([-7, -3, -1, 0, 1, 3])
exact = {"INFERENCE_PRECISION_HINT": "f32"}
model = openvino.compile_model(openvino.convert_model(Network().eval(), example_input=x), "CPU", exact)
seen = model(x.numpy())[0]
right = Network()(x).numpy()
print("torch    ", right, flush=True)
print("OpenVINO ", seen, flush=True)
assert right.tolist() == [-4, -2, -1, 0, 0, 1]
assert seen.tolist() == [-3, -1, 0, 0, 0, 1], "whole numbers are rounded down now"
PYTHON
