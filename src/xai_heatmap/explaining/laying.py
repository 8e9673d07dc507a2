"""An array in a network's own axes, as the network takes it: signals, waveforms, videos, volumes,
spectrograms.
"""

import numpy as np

from xai_heatmap.core.arrays import Input
from xai_heatmap.core.axes import Axes
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.network import Network
from xai_heatmap.sources.array import KINDS, as_input, numbers


def shown_kind(array: np.ndarray, network: Network) -> int | None:
    """Number of grid axes of an array that the network was seen, or said, to take as no picture;
    None where that does not show.

    The number of axes that the network declares decides; where it declares pictures, or nothing,
    so does what it makes of an array of that shape.
    """
    rank = network.declared.rank
    if rank in KINDS:
        return rank
    axes = network.understood(array.shape) if _maybe(array, rank, network) else None
    if axes is None and network.axes_said and not (said := network.axes_of(array.shape)).picture:
        return len(said.grid)  # what was said stands: an array of other axes is refused for it
    return None if axes is None or axes.picture else len(axes.grid)


def _maybe(array: np.ndarray, rank: int | None, network: Network) -> bool:
    """Whether an array may be no picture: it has too many axes for one or too few, or holds real
    numbers of an unknown kind, or the network's axes were said.
    """
    return (
        network.axes_said
        or not 2 <= array.ndim <= 3
        or (rank is None and array.ndim < 3 and array.dtype.kind == "f")
    )


def laid_out(array: np.ndarray, kind: int, network: Network) -> Input:
    """(c, *grid) of an array in the network's own axes.

    Raises
    ------
    BadArray
        For other axes or channels than it takes.
    """
    shape = network.declared.input_shape
    channels = shape[0] if shape else None
    axes = network.understood(array.shape)
    if axes is None or axes.channel in (0, len(axes.grid)):
        return as_input(array, axes=kind, channels=channels, channels_last=_last(axes, network))
    own = numbers(array, KINDS.get(kind, "input"))
    x = network.channels_first(own[None])[0]
    if x.ndim != kind + 1:
        raise BadArray(
            f"{network.name} takes inputs of {axes.said(['any'] * len(axes.word))}; received an "
            f"array of shape {array.shape}. Give it in those axes, or say others with axes=..."
        )
    if channels not in (None, len(x)):
        raise BadArray(
            f"{network.name} takes {counted(channels, 'channel')} in inputs of "
            f"{axes.said(axes.native((channels, *['any'] * kind)))}; received {array.shape}. "
            "Check the order of its axes."
        )
    return np.ascontiguousarray(x, dtype=np.float32)


def _last(axes: Axes | None, network: Network) -> bool:
    return network.channels_last if axes is None else axes.channel != 0
