"""Arrays and tensors of any framework, as numpy reads them."""

from typing import Any, cast

import numpy as np


def as_numpy(value: Any) -> np.ndarray | None:
    """An array or a tensor, on whatever device and in whatever precision; None for anything else.

    A gradient is left behind, and half precision becomes float32.
    """
    if isinstance(value, np.ndarray):
        return cast("np.ndarray", value)
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return None
    detach = getattr(value, "detach", None)
    try:
        if detach is not None:  # torch's way to numpy, from a GPU and from a gradient
            value = detach().cpu()
            value = value.float() if value.is_floating_point() else value
        found: Any = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        return None
    if found.dtype.kind not in "fiubc":  # bfloat16 and float8 as numpy does not know them
        try:
            found = found.astype(np.float32)
        except (TypeError, ValueError):
            return None
    return cast("np.ndarray", found)
