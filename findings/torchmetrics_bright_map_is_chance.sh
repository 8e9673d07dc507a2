#!/usr/bin/env bash
# TorchMetrics: the ROC area of a map of 8-bit values is 0.5, whatever the map shows.
#
# Seen with torchmetrics 1.9.0, torch 2.13.0. A ROC area depends on the order of the scores alone.
# Where one score lies outside [0, 1], TorchMetrics passes all of them through a sigmoid (as it
# says), and that is exactly 1 in float32 from 17 on: the brighter pixels all become ties. The same
# map divided by 255 gets its true area. Every metric that takes scores or logits starts so.
# Guess: the area stays when all scores are multiplied by 255.
# Output seen:
#   map in [0, 1]    0.8333
#   map in [0, 255]  0.5
#   by counting      0.8333
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import torch
from torchmetrics.functional import auroc

heat = torch.tensor([40.0, 50, 60, 70, 45])
inside = torch.tensor([0, 0, 1, 1, 1])
pairs = heat[inside == 1][:, None] > heat[inside == 0]
right = pairs.float().mean().item()
unit = auroc(heat / 255, inside, task="binary").item()
seen = auroc(heat, inside, task="binary").item()
print("map in [0, 1]   ", round(unit, 4))
print("map in [0, 255] ", round(seen, 4))
print("by counting     ", round(right, 4))
assert abs(unit - right) < 1e-6
assert seen == 0.5, "the order of the scores counts now"
PYTHON
