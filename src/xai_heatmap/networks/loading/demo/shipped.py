"""The files in this folder: two networks, each as ONNX and as plain arrays."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from xai_heatmap.core.errors import ModelNotFound, did_you_mean

Arrays = Mapping[str, np.ndarray]
"""Weights and biases by name of the step; kernels are (outputs, inputs, rows, columns)."""

NAMES = ("demo", "demo-cheat")

TRAINED_ON = range(1_000_000, 1_024_000)
"""Seeds of the training scenes of both networks."""


def file(name: str) -> Path:
    """The ONNX file of a shipped network.

    Raises
    ------
    ModelNotFound
        If there is none of that name.
    """
    return _path(name, ".onnx")


def arrays(name: str) -> Arrays:
    """Weights of a shipped network as plain arrays."""
    with np.load(_path(name, ".npz")) as stored:
        return dict(stored)


def _path(name: str, suffix: str) -> Path:
    if name not in NAMES:
        raise ModelNotFound(
            f"No network {name!r} is shipped; there are {', '.join(NAMES)}."
            f"{did_you_mean(name, NAMES)}"
        )
    return Path(__file__).parent / f"{name}{suffix}"
