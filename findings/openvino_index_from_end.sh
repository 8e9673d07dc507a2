#!/usr/bin/env bash
# OpenVINO: x[:, [0, 2], :, [1, -1]] takes the last column of the wrong channel.
#
# Seen with openvino 2026.4.1, torch 2.13.0 (a PyTorch module converted directly). Two lists
# of places are worked into one place of a flat table, and -1 is not counted from its own end there:
# the last column of channel 2 is read from channel 1. One list alone, or 8 for -1, is right.
# Guess: 1 and 29 (channel 0, column 1; channel 2, column 9 of 10).
# Output seen:
#   torch     [ 1 29]
#   OpenVINO  [ 1 19]
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
        return x[:, [0, 2], :, [1, -1]]


x = torch.arange(30).reshape(1, 3, 1, 10)
exact = {"INFERENCE_PRECISION_HINT": "f32"}
model = openvino.compile_model(openvino.convert_model(Network().eval(), example_input=x), "CPU", exact)
seen = model(x.numpy())[0]
right = Network()(x).numpy()
print("torch    ", right.ravel(), flush=True)
print("OpenVINO ", seen.ravel(), flush=True)
assert right.ravel().tolist() == [1, 29]
assert seen.ravel().tolist() == [1, 19], "-1 is the end now"
PYTHON
