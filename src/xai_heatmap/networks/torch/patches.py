"""Pictures of any aspect, laid out in patches for models that take these."""

from collections.abc import Mapping
from typing import Any

import torch

SHAPES = "spatial_shapes"
"""Input of models that take patches of pictures of any aspect: rows and columns of each."""


def whole(name: str, x: torch.Tensor, _: int) -> Mapping[str, torch.Tensor]:
    """Pictures as they are, under the name of a model's input."""
    return {name: x}


def as_patches(name: str, x: torch.Tensor, side: int) -> Mapping[str, torch.Tensor]:
    """Pictures as SigLIP 2 takes those of any aspect (NaFlex): patches one after the other, row by
    row, with the colour last, which of them are real, and how many rows and columns there are.
    """
    rows, columns = x.shape[2] // side, x.shape[3] // side
    cut = x[:, :, : rows * side, : columns * side]
    cut = cut.reshape(len(x), -1, rows, side, columns, side).permute(0, 2, 4, 3, 5, 1)
    each = torch.tensor([[rows, columns]] * len(x), device=x.device)
    real = torch.ones(len(x), rows * columns, dtype=torch.long, device=x.device)
    flat = cut.reshape(len(x), rows * columns, -1)
    return {name: flat, "pixel_attention_mask": real, SHAPES: each}


def patch_side(model: torch.nn.Module) -> int:
    """Side of the square patches that a model was built for; 1 where it does not say."""
    own: Any = getattr(getattr(model, "config", None), "vision_config", None)
    return int(getattr(own, "patch_size", None) or 1)
