"""Maps as bytes: 256 levels between two numbers, 0 being one of these levels, or float32."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.errors import BadOption

KINDS = {"uint8": np.dtype(np.uint8), "float32": np.dtype("<f4")}
"""Types that maps are kept in."""

TOP = 255


@dataclass(frozen=True)
class Packed:
    """One map as it is kept.

    Parameters
    ----------
    data
        The numbers, row by row; of float32 the lowest byte first.
    low, high
        What the levels 0 and 255 stand for: level q is low + q (high - low) / 255. Of float32 the
        least and the largest number.
    shape
        Of the map.
    kind
        ``uint8`` or ``float32``.
    """

    data: bytes
    low: float
    high: float
    shape: Sequence[int]
    kind: str = "uint8"


def packed(map_: Map, kind: str = "uint8") -> Packed:
    r"""A map as bytes.

    Of 256 levels each value becomes the nearest, so it is off by at most (high - low) / 510. Where
    values lie on both sides of 0 the range grows until a level is 0: no evidence stays none.

    >>> packed(np.array([-1.0, 0.0, 3.0], np.float32))
    Packed(data=b'\x00@\xff', low=-1.0052356020942408, high=3.0, shape=[3], kind='uint8')
    """
    if kind not in KINDS:
        raise BadOption(f"maps is {' or '.join(KINDS)}; received {kind!r}.")
    low, high = float(map_.min()), float(map_.max())
    shape = list(map_.shape)
    if kind == "float32":
        return Packed(np.ascontiguousarray(map_, "<f4").tobytes(), low, high, shape, kind)
    low, high = _with_zero(low, high)
    step = (high - low) / TOP
    levels = np.subtract(map_, low, dtype=np.float64)  # from 0 to TOP, but for rounding
    if step:
        np.rint(np.divide(levels, step, out=levels), out=levels)
    return Packed(levels.astype(np.uint8).tobytes(), low, high, shape, kind)


def unpacked(kept: Packed) -> Map:
    """The map that was kept, float32.

    >>> unpacked(packed(np.array([-1.0, 0.0, 3.0], np.float32))).tolist()[1:]
    [0.0, 3.0]
    """
    numbers = np.frombuffer(kept.data, KINDS[kept.kind]).reshape(tuple(kept.shape))
    if kept.kind == "float32":
        return numbers.astype(np.float32)
    step = (kept.high - kept.low) / TOP
    zero = round(-kept.low / step) if step and kept.low < 0 < kept.high else None
    values = kept.low + numbers * step if zero is None else (numbers.astype(float) - zero) * step
    return values.astype(np.float32)


def _with_zero(low: float, high: float) -> tuple[float, float]:
    """The range, grown until one of its levels is 0."""
    if not low < 0 < high:
        return low, high
    level = min(max(round(TOP * -low / (high - low)), 1), TOP - 1)
    step = max(-low / level, high / (TOP - level))
    return -level * step, (TOP - level) * step
