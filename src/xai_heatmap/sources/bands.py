"""A picture of any number of bands, in the network's own layout: what is no photograph."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.errors import BadArray

PHOTOGRAPHS = (1, 3)
"""Channels of a network that takes photographs."""

WINDOW = (2.0, 98.0)
"""Percentiles of a band that are drawn black and white."""

SHOWN = 3
"""Bands that are drawn, as red, green and blue."""


def of_bands(array: np.ndarray, channels: int, *, channels_last: bool) -> np.ndarray | None:
    """The picture as (c, H, W), from either layout; None if it has not so many bands.

    Parameters
    ----------
    array
        (c, H, W) or (H, W, c); where both would do, as the network has it.
    channels
        That the network takes.
    channels_last
        Of the network's own layout.
    """
    if array.ndim != 3:
        return None
    first, last = array.shape[0] == channels, array.shape[-1] == channels
    if last and (channels_last or not first):
        return np.moveaxis(array, -1, 0)
    return array if first else None


def checked(bands: np.ndarray) -> np.ndarray:
    """Real and finite numbers, of this machine's byte order.

    Raises
    ------
    BadArray
        For anything else.
    """
    if bands.dtype.kind not in "fiub" or 0 in bands.shape:
        raise BadArray(
            f"A picture of bands is made of real numbers, at least one pixel; received "
            f"{bands.dtype} of shape {bands.shape}. Convert it, such as by "
            "`array.astype(np.float32)`."
        )
    if not np.isfinite(bands).all():
        raise BadArray(
            f"A picture of bands is finite; {np.count_nonzero(~np.isfinite(bands))} values are NaN "
            "or infinite. Replace them, such as by `np.nan_to_num(image)`."
        )
    return bands.astype(bands.dtype.newbyteorder("="))


def drawn(x: Input) -> Image:
    """Three bands as red, green and blue, each from its 2nd to its 98th percentile; of fewer than
    three their mean.
    """
    shown = x[:SHOWN] if len(x) >= SHOWN else x.mean(axis=0, keepdims=True)
    levels = [_stretched(band) for band in shown]
    return np.stack(levels * (SHOWN // len(levels)), axis=-1)


def _stretched(band: np.ndarray) -> np.ndarray:
    low, high = np.percentile(band, WINDOW)
    if low == high:
        low, high = band.min(), band.max()
    share = (band - low) / (high - low) if high > low else np.zeros_like(band)
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def said(shape: Sequence[int]) -> str:
    """What is drawn of so many bands, in a sentence."""
    if len(shape) and shape[0] < SHOWN:
        which = f"the mean of its {shape[0]} bands"
    else:
        which = f"bands 1, 2 and 3 of {shape[0]}, each from its 2nd to its 98th percentile"
    return f"The picture is drawn from {which}; the network saw all of them."
