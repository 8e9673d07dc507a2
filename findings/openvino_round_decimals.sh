#!/usr/bin/env bash
# OpenVINO: torch.round(x, decimals=1) rounds to whole numbers.
#
# Seen with openvino 2026.4.1, torch 2.13.0 (a PyTorch module converted directly). The
# argument is dropped without a word, also a negative one. A map of values between 0 and 1 that is
# rounded inside of the network becomes a mask of 0 and 1.
# Guess: one decimal place, or a refusal.
# Output seen:
#   torch     [0.1 0.3 0.6 0.9]
#   OpenVINO  [0. 0. 1. 1.]
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
        return torch.round(x, decimals=1)


x = torch.tensor([0.12, 0.34, 0.56, 0.87])
exact = {"INFERENCE_PRECISION_HINT": "f32"}
model = openvino.compile_model(openvino.convert_model(Network().eval(), example_input=x), "CPU", exact)
seen = model(x.numpy())[0]
right = Network()(x).numpy()
print("torch    ", right.round(3), flush=True)
print("OpenVINO ", seen.round(3), flush=True)
assert np.array_equal(seen, [0, 0, 1, 1]), "decimals are kept now"
PYTHON
