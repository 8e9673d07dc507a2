"""From whatever `maps` is handed to one batch, an array."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.network import Network
from xai_heatmap.core.tensors import as_numpy
from xai_heatmap.explaining.many import check_given, is_many


def array(x: Any) -> np.ndarray:
    """A batch as a numpy array: real numbers as float32, a gradient is left behind.

    Raises
    ------
    BadArray
        For what holds several arrays, or is gone through batch by batch.
    """
    if isinstance(x, Mapping):
        names = list(map(repr, x))
        raise BadArray(
            f"maps() takes one array of pictures; received a {type(x).__name__} of "
            f"{', '.join(names) or 'nothing'}. Give what is in it, "
            f"xai_heatmap.maps(network, x[{names[0] if names else 'KEY'}]), and hold what the "
            "model takes beside it: held={'NAME': array}."
        )
    gone_through = is_many(x) and not isinstance(x, list | tuple | str | os.PathLike)
    if gone_through and not hasattr(x, "__array__"):
        raise BadArray(
            f"maps() takes one batch, an array (n, ...); received a {type(x).__name__}. Give its "
            "batches one after the other, or all of it to xai_heatmap.explain(network, data, "
            "preprocess='ready'), which goes through it."
        )
    check_given(x)
    try:
        found = as_numpy(x)
        found = np.asarray(x) if found is None else found
        return found.astype(np.float32, copy=False) if found.dtype.kind == "f" else found
    except (TypeError, ValueError, RuntimeError) as problem:
        raise BadArray(
            f"maps() takes what numpy can read; this {type(x).__name__} it can't: {problem}. "
            "A torch tensor becomes an array by `x.detach().cpu().numpy()`."
        ) from problem


def alone(native: np.ndarray, x: Any, opened: Network) -> np.ndarray:
    """The batch in a list of one, such as the inputs of a Keras model with one input."""
    rank = opened.declared.rank
    if rank is None or not isinstance(x, list | tuple) or len(x) != 1:
        return native
    return native[0] if native.ndim == rank + 3 else native
