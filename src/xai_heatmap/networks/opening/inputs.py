"""Checks of the pictures given to a network."""

from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Inputs
from xai_heatmap.core.backward import BackwardRule
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.finite import finite
from xai_heatmap.core.tensors import as_numpy


def floats(x: Any) -> Any:
    """Float32 of an array or tensor of floats; anything else as it is, to be refused."""
    found = as_numpy(x)
    real = found is not None and found.dtype.kind == "f"
    return found.astype(np.float32, copy=False) if found is not None and real else x


def check_input(x: Inputs) -> None:
    """Refuse pictures that no network can take.

    Raises
    ------
    BadArray
        For another type or shape, no picture at all, NaN or infinity.
    """
    if x.ndim < 3 or x.dtype != np.float32 or 0 in x.shape:
        raise BadArray(
            f"A network takes float32 images of shape (n, c, H, W), signals (n, c, length) or "
            f"volumes (n, c, depth, height, width); received {x.dtype} of shape {x.shape}. "
            "`xai_heatmap.explain` reads pictures and prepares them."
        )
    if not finite(x):
        raise BadArray("The input holds NaN or infinite values; replace them before explaining.")


def check_one_run(rule: BackwardRule) -> None:
    """Refuse a rule of slopes, which a recording alone has no second run for.

    Raises
    ------
    BadOption
        With where to ask for it.
    """
    if rule.kind == "slope":
        raise BadOption(
            f"The rule {rule.name!r} compares two runs from a layer on, and a recording is one. "
            "Record by the gradient, and ask recording.between(layer, rule, row=0)."
        )
