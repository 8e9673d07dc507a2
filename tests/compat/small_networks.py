"""Networks of a few layers, and pictures, for the tests of this folder."""

import numpy as np
import torch
from torch import nn


def picture(rows=60, columns=80, *, seed=0):
    """A photograph's stand-in: smooth, BGR, not too bright."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 200, (rows // 10 + 1, columns // 10 + 1, 3))
    return np.kron(coarse, np.ones((10, 10, 1)))[:rows, :columns].astype(np.uint8)


def batch(n=1, *, rows=24, columns=32, seed=1):
    return np.random.default_rng(seed).normal(size=(n, 3, rows, columns)).astype(np.float32)


def torch_network(*, closing=None, seed=0):
    """Two convolutions, nested one deep, whose names say nothing of convolutions."""
    torch.manual_seed(seed)
    body = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3))
    head = [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)]
    return nn.Sequential(body, *head, *([closing] if closing else [])).eval()


def linear_network(weights):
    """One 1x1 convolution that passes the channels on, and a linear head of these weights: the
    gradient at the layer is known."""
    weights = torch.as_tensor(weights, dtype=torch.float32)
    conv = nn.Conv2d(3, 3, 1, bias=False)
    head = nn.Linear(3, len(weights), bias=False)
    with torch.no_grad():
        conv.weight[:] = torch.eye(3)[:, :, None, None]
        head.weight[:] = weights
    return nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).eval()


class Passes:
    """Counts the forward passes of a torch module."""

    def __init__(self, model):
        self.count = 0
        model.register_forward_hook(self._one_more)

    def _one_more(self, *_):
        self.count += 1
