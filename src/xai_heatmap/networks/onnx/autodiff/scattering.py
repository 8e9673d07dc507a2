"""Numbers added at places."""

import numpy as np

from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op


def added_at(places: Tensor, g: Tensor, *, like: Tensor) -> Tensor:
    """Zeros in the shape of `like`, to which g is added at places that are numbered in one row.

    Runtimes add in single and in double precision only.
    """
    precise = g.cast(np.dtype(np.float32)) if g.dtype.itemsize < 4 else g
    zeros = like.zeros(precise.dtype).reshape(-1)
    added = op(
        "ScatterElements", zeros, places.reshape(-1), precise.reshape(-1), axis=0, reduction="add"
    )
    return added.reshaped_like(like).cast(g.dtype)
