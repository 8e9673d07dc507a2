"""Copies of a PyTorch model with other weights, and the model's own call."""

import copy

import numpy as np
import torch
from torch import nn

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.redrawing import Draw
from xai_heatmap.networks.torch.weights import home_of


def redrawn(module: nn.Module, draw: Draw) -> nn.Module:
    """Deep copy of a module whose parameters are those that `draw` answers; buffers, such as the
    statistics of a batch normalisation, stay.

    Raises
    ------
    BadOption
        If the module can't be copied.
    """
    try:
        other = copy.deepcopy(module)
    except Exception as problem:
        raise BadOption(
            f"This {type(module).__name__} can't be copied, so its weights can't be drawn again: "
            f"{problem}."
        ) from problem
    with torch.no_grad():
        for path, part in other.named_modules():
            for name, weight in part.named_parameters(recurse=False):
                own = weight.detach().to("cpu", torch.float32).numpy()
                drawn = np.ascontiguousarray(draw(path, name, own))
                weight.copy_(torch.from_numpy(drawn).to(weight.dtype))
    return other


def laid_out(x: Native, module: nn.Module) -> torch.Tensor:
    """Pictures as a tensor where the module lies."""
    device, dtype = home_of(module)
    return torch.from_numpy(np.ascontiguousarray(x)).to(device, dtype)
