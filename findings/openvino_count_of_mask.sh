#!/usr/bin/env bash
# OpenVINO: the running sum of a mask stays a mask: it never gets past True.
#
# Seen with openvino 2026.4.1, torch 2.13.0 (a PyTorch module converted directly). cumsum of
# booleans is a count in PyTorch, in whole numbers; the converted one is boolean. Positions in a
# sequence or in a padded picture, made by (mask).cumsum(-1), are all the first.
# Guess: 0 1 2 2 3.
# Output seen:
#   torch     [0 1 2 2 3]
#   OpenVINO  [False  True  True  True  True]
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
        return (x > 0).cumsum(-1)


x = torch.tensor([-1.0, 1, 1, -1, 1])
exact = {"INFERENCE_PRECISION_HINT": "f32"}
model = openvino.compile_model(openvino.convert_model(Network().eval(), example_input=x), "CPU", exact)
seen = model(x.numpy())[0]
right = Network()(x).numpy()
print("torch    ", right, flush=True)
print("OpenVINO ", seen, flush=True)
assert right.tolist() == [0, 1, 2, 2, 3]
assert seen.astype(int).tolist() == [0, 1, 1, 1, 1], "a mask is counted now"
PYTHON
