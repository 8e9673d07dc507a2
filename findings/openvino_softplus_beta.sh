#!/usr/bin/env bash
# OpenVINO: beta and threshold of softplus are left out.
#
# Seen with openvino 2026.4.1, torch 2.13.0 (a PyTorch module converted directly). Whatever
# beta is, the converted network computes log(1 + exp(x)). ReLUs are replaced by a softplus of large
# beta for smooth gradient maps: with beta = 10 the scores of the two networks have little in common.
# Guess: log(1 + exp(beta x)) / beta, or a refusal.
# Output seen:
#   torch     [0.    0.069 1.   ]
#   OpenVINO  [0.313 0.693 1.313]
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
        return torch.nn.functional.softplus(x, beta=10)


x = torch.tensor([-1.0, 0, 1])
exact = {"INFERENCE_PRECISION_HINT": "f32"}
model = openvino.compile_model(openvino.convert_model(Network().eval(), example_input=x), "CPU", exact)
seen = model(x.numpy())[0]
right = Network()(x).numpy()
print("torch    ", right.round(3), flush=True)
print("OpenVINO ", seen.round(3), flush=True)
assert np.allclose(seen, np.log1p(np.exp(x.numpy())), atol=1e-3), "beta is kept now"
PYTHON
