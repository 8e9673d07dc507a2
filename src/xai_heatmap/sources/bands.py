"""A picture of any number of bands, in the network's own layout: what is no photograph."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray, BadOption

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
    if bad := int(np.count_nonzero(~np.isfinite(bands))):
        raise BadArray(
            f"A picture of bands is finite; {counted(bad, 'value is NaN', 'values are NaN')} or "
            "infinite. Replace them, such as by `np.nan_to_num(image)`."
        )
    return bands.astype(bands.dtype.newbyteorder("="))


def named(which: Any) -> tuple[int, ...] | None:
    """Numbers of bands, counted from 1, where that is what was given; else None."""
    if not isinstance(which, tuple | list) or len(which) != SHOWN:
        return None
    numbers = [isinstance(one, int | np.integer) and not isinstance(one, bool) for one in which]
    return tuple(int(one) for one in which) if all(numbers) else None


def drawn(x: Input, which: Sequence[int] | None = None) -> Image:
    """Three bands as red, green and blue, each from its 2nd to its 98th percentile; of fewer than
    three their mean.

    Parameters
    ----------
    x
        (c, H, W).
    which
        The three, counted from 1; the first ones where nobody says.

    Raises
    ------
    BadOption
        For a band that is not there.
    """
    if which is not None:
        wrong = [one for one in which if not 1 <= one <= len(x)]
        if wrong:
            raise BadOption(
                f"The picture has bands 1 to {len(x)}; received image={tuple(which)}. Name three "
                "of them, red, green and blue."
            )
        shown = x[[one - 1 for one in which]]
    else:
        shown = x[:SHOWN] if len(x) >= SHOWN else x.mean(axis=0, keepdims=True)
    levels = [_stretched(band) for band in shown]
    return np.stack(levels * (SHOWN // len(levels)), axis=-1)


def _stretched(band: np.ndarray) -> np.ndarray:
    low, high = np.percentile(band, WINDOW)
    if low == high:
        low, high = band.min(), band.max()
    share = (band - low) / (high - low) if high > low else np.zeros_like(band)
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def said(shape: Sequence[int], which: Sequence[int] | None = None) -> str:
    """Sentence that says which of so many bands are drawn."""
    if which is None and shape[0] < SHOWN:
        own = f"the mean of its {counted(shape[0], 'band')}"
    else:
        red, green, blue = which or (1, 2, 3)
        own = (
            f"bands {red}, {green} and {blue} of {shape[0]}, each from its 2nd to its 98th "
            "percentile"
        )
    return f"The picture is drawn from {own}; the network saw all of them."
