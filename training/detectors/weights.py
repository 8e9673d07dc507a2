"""Weights of the trained detectors, as they are kept beside this file in half precision."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

import xai_heatmap as xh
from training.detectors.models import KINDS
from training.detectors.planted import SIDE

HOW = {
    "per level": xh.Boxes(),
    "queries": xh.Boxes(background="last"),
    "proposals": xh.Boxes("scores", "boxes", order="xyxy", unit="pixels", background="last"),
}
"""How the boxes of each kind are read."""


def file(kind: str) -> Path:
    """Where the weights of a kind are kept."""
    return Path(__file__).parent / "weights" / f"{kind.replace(' ', '-')}.npz"


def keep(kind: str, model: nn.Module) -> None:
    """Write the weights of a trained detector."""
    path = file(kind)
    path.parent.mkdir(exist_ok=True)
    arrays = {name: one.numpy() for name, one in model.state_dict().items() if one.ndim}
    np.savez_compressed(path, **{name: one.astype(np.float16) for name, one in arrays.items()})


def trained(kind: str) -> nn.Module:
    """Detector of that kind with its weights, ready to be asked."""
    model = KINDS[kind]()
    with np.load(file(kind)) as kept:
        known = {name: torch.from_numpy(kept[name].astype(np.float32)) for name in kept.files}
    missing, unknown = model.load_state_dict(known, strict=False)
    if unknown or any(not name.endswith("num_batches_tracked") for name in missing):
        raise ValueError(f"{file(kind)} is of another architecture: {missing}, {unknown}.")
    return model.eval()


def opened(kind: str) -> xh.Network:
    """Trained detector, opened, with the names of its classes and its own preprocessing."""
    shape = 3, SIDE, SIDE
    return xh.network(trained(kind), image_shape=shape, answers=HOW[kind])
