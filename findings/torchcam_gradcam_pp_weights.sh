#!/usr/bin/env bash
# torch-cam: Grad-CAM++ leaves the division out of its weights, and another feature map wins.
#
# Seen with torchcam 0.5.0, torch 2.13.0. A feature map's weight in the paper is the sum over its
# places of alpha * relu(g) with alpha = g**2 / (2 * g**2 + g**3 * sum(A)). GradCAMpp divides a
# copy, so its alpha is g**2, and the larger gradient wins whatever the sums of the maps are.
# Below, one feature map is bright on the left of the picture, the other on the right.
# Guess: the paper's weights, to rounding.
# Output seen:
#   torch-cam   weights [27.  8.], hottest column 0
#   the paper   weights [1.5    2.6667], hottest column 3
#   undivided   weights [27.  8.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile torchcam==0.5.0 torch==2.13.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import torch
from torchcam.methods import GradCAMpp

A = torch.zeros(1, 2, 2, 4)
A[0, 0, :, :2] = 1
A[0, 1, 0, 3] = 1
slopes = torch.tensor([1.5, 1.0])


class Network(torch.nn.Module):
    """The sum of its two channels, weighed by the slopes."""

    def __init__(self):
        super().__init__()
        self.features = torch.nn.Conv2d(2, 2, 1, groups=2, bias=False)
        torch.nn.init.ones_(self.features.weight)

    def forward(self, x):
        return (self.features(x).sum((2, 3)) * slopes).sum(1, keepdim=True)


g = slopes[:, None].expand(2, 8)
alpha = g**2 / (2 * g**2 + g**3 * A[0].sum((1, 2))[:, None])
paper, undivided = (alpha * g).sum(1), (g**2 * g).sum(1)
network = Network().eval()
with GradCAMpp(network, target_layer="features") as method:
    scores = network(A)
    heat = method(0, scores)[0][0]
    scores = network(A)
    seen = method._get_weights(0, scores)[0].flatten()
right = (A[0] * paper[:, None, None]).sum(0)
found = {"torch-cam": (seen, heat), "the paper": (paper, right)}
for name, (weights, drawn) in found.items():
    print(f"{name:11} weights {weights.numpy().round(4)}, hottest column {int(drawn[0].argmax())}")
print(f"undivided   weights {undivided.numpy().round(4)}")
assert right[0].argmax() == 3
assert torch.allclose(seen, undivided, atol=1e-4), "alpha is divided now"
assert heat[0].argmax() == 0
PYTHON
