#!/usr/bin/env bash
# OpenVINO: torch.cdist with p=1 is NaN wherever the difference is negative.
#
# Seen with openvino 2026.4.1, torch 2.13.0 (a PyTorch module converted directly). The
# difference is raised to the power p without its magnitude taken, which is right for even p
# only. Half of a table of distances between patches (prototypes, nearest neighbours) is NaN.
# Guess: the sum of the magnitudes: 5 both ways.
# Output seen:
#   torch     [[0. 5.] [5. 0.]]
#   OpenVINO  [[0.              nan] [4.9999924 0.       ]]
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
        return torch.cdist(x, x, p=1.0)


x = torch.tensor([[1.0, 1], [4, 3]])
exact = {"INFERENCE_PRECISION_HINT": "f32"}
model = openvino.compile_model(openvino.convert_model(Network().eval(), example_input=x), "CPU", exact)
seen = model(x.numpy())[0]
right = Network()(x).numpy()
print("torch    ", str(right).replace("\n", ""), flush=True)
print("OpenVINO ", str(seen).replace("\n", ""), flush=True)
assert np.array_equal(right, [[0, 5], [5, 0]])
assert not np.allclose(seen, right), "the distances are right now"
PYTHON
