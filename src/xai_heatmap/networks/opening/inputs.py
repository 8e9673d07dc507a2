"""What every network asks of the pictures that it is given."""

import numpy as np

from xai_heatmap.core.arrays import Inputs
from xai_heatmap.core.errors import BadArray


def check_input(x: Inputs) -> None:
    """Refuse what no network can take.

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
    if not np.isfinite(x).all():
        raise BadArray("The input holds NaN or infinite values; replace them before explaining.")
