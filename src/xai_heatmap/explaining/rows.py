"""A row of a table: what networks of features eat, with a name for each feature."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.listed import check_order, listed
from xai_heatmap.core.network import Network
from xai_heatmap.core.tensors import as_numpy

ROW = "f"
"""The axes of a row: its features."""


def row_in(given: Any, network: Network) -> np.ndarray | None:
    """The one row (features,) that is meant, of (features,) or (1, features); None for what is no
    row of a network that takes such.

    Raises
    ------
    BadArray
        For several rows.
    """
    array = as_numpy(given)
    if array is None or array.ndim not in (1, 2) or array.dtype.kind not in "fiu":
        return None
    if not takes_rows(network, array.shape[-1:]):
        return None
    if array.ndim == 2 and len(array) != 1:
        raise BadArray(
            f"One row is explained at a time; received {counted(len(array), 'row')} of "
            f"{counted(array.shape[1], 'feature')}"
            ". Explain them one after the other, xai_heatmap.explain(network, list(rows)), "
            "or make bare attributions of all: xai_heatmap.maps(network, rows)."
        )
    return np.asarray(array.reshape(-1), np.float32)


def takes_rows(network: Network, shape: Sequence[int]) -> bool:
    """Whether the network reads an input of that shape as the features of a row."""
    if len(shape) != 1 or network.declared.axes not in (None, 0, 1):
        return False
    declared = network.declared.input_shape
    if network.axes_said or (declared is None and network.declared.axes in (None, 0)):
        return _reads_rows(network, shape)
    return declared in (tuple(shape), (1, *shape)) and _reads_rows(network, declared)


def _reads_rows(network: Network, shape: Sequence[int]) -> bool:
    """Whether the axes of such an input are known to be the features of a row: a signal of one
    channel may be declared with the same lengths.
    """
    axes = network.understood(shape)
    return axes is not None and axes.word == ROW


def usual_method(network: Network) -> str:
    """The method of a row where nobody says one: it has no layer with a grid."""
    if network.declared.method is not None:
        return network.declared.method
    return "integrated_gradients" if network.differentiable else "occlusion"


def feature_names(said: Any, given: Any, count: int) -> tuple[str, ...]:
    """A name for each feature: as said, else those that a row of a table brings, else numbers.

    Raises
    ------
    BadOption
        For another number of them.
    """
    index = getattr(given, "index", None)
    brought = None if callable(index) or index is None else list(index)
    check_order(said, name="features")
    own = getattr(said, "tolist", lambda: said)()
    names = brought if said is None else listed(own, name="features")
    if names is None or (said is None and len(names) != count):
        return tuple(f"feature {place}" for place in range(count))
    if len(names) != count:
        raise BadOption(
            f"features names each of the {counted(count, 'number')} of a row; received "
            f"{len(names)} names. "
            "Write features=[...] in their order, or leave it out."
        )
    return tuple(map(str, names))
