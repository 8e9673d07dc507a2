"""Numbers that a target is given, as one array."""

from typing import Any

import numpy as np

from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.shapes import Shaped


def numbers(given: object, needed: str) -> np.ndarray:
    """Numbers as a float32 array; tensors of every framework are read.

    Raises
    ------
    UnknownTarget
        For what holds no numbers, or holds them in no regular shape: with what was `needed`.
    """
    detach: Any = getattr(given, "detach", None)
    try:
        array: Shaped[np.ndarray, ...] = np.asarray(given if detach is None else detach().cpu())
        if array.dtype.kind in "biuf":
            return array.astype(np.float32)
    except (TypeError, ValueError):
        pass
    raise UnknownTarget(f"{needed}; received {type(given).__name__}, which holds no such numbers.")
