"""Numbers added at places."""

import numpy as np

from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op


def added_at(places: Tensor, g: Tensor, *, like: Tensor) -> Tensor:
    """Zeros in the shape of `like`, to which g is added at places that are numbered in one row."""
    row = like.reshape(-1)
    return added_along(places.reshape(-1), g.reshape(-1), like=row, axis=0).reshaped_like(like)


def added_along(places: Tensor, g: Tensor, *, like: Tensor, axis: int) -> Tensor:
    """Zeros in the shape of `like`, to which g is added at places along an axis.

    Runtimes add in single and in double precision only.
    """
    precise = g.cast(np.dtype(np.float32)) if g.dtype.itemsize < 4 else g
    zeros = like.zeros(precise.dtype)
    added = op("ScatterElements", zeros, places, precise, axis=axis, reduction="add")
    return added.cast(g.dtype)
