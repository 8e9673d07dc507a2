"""Drawings of inputs that are no pictures: signals, planes and volumes."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Image, Input
from xai_heatmap.core.errors import BadOption
from xai_heatmap.render.plane import plane
from xai_heatmap.render.signal import signal
from xai_heatmap.render.volume import MOST, checked_axis, spread
from xai_heatmap.render.volume import slices as side_by_side


def drawn(
    array: Input,
    heat: DrawnOut,
    *,
    axis: int = 0,
    slices: int | Sequence[int] | None = None,
    colormap: str = "inferno",
    alpha: float = 0.75,
    mute: bool | None = False,
    outlined: bool = False,
) -> Image:
    """A signal as lines, a plane as a picture, a volume as slices, the heat behind or over them.

    Parameters
    ----------
    array, heat
        (c, l) and (l,), (c, h, w) and (h, w), or (c, d, h, w) and (d, h, w); the heat in [0, 1],
        or in [-1, 1] for a diverging colour map.
    axis, slices
        Of a volume: which axis is cut, how many slices are shown, or which, counted from 1.
    mute
        Of a plane or a volume, as for `ground`.
    outlined
        Whether the places with at least half of the strongest relevance are marked.
    """
    how = {"colormap": colormap, "alpha": alpha}
    if array.ndim == 2:
        return signal(array, heat, marked=outlined, **how)
    if array.ndim == 3:
        return plane(array, heat, outlined=outlined, mute=mute, **how)
    which = _which(heat, axis, slices)
    return side_by_side(array, heat, axis=axis, which=which, outlined=outlined, mute=mute, **how)


def plain(array: Input) -> Image:
    """Drawing of an array without any heat."""
    return drawn(array, np.zeros(array.shape[1:], np.float32))


def _which(heat: DrawnOut, axis: int, slices: int | Sequence[int] | None) -> list[int]:
    """Numbers of slices, counted from 0."""
    length = checked_axis(heat.shape, axis)
    if slices is None or isinstance(slices, int | np.integer):
        most = MOST if slices is None else int(slices)
        if most < 1:
            raise BadOption(f"A sheet has at least one slice; received slices={slices}.")
        return spread(heat, axis=axis, most=most)
    wrong = [number for number in slices if not 1 <= number <= length]
    if wrong or not slices:
        raise BadOption(
            f"Slices are numbers from 1 to {length} along axis {axis}; received "
            f"{', '.join(map(str, slices)) or 'none'}."
        )
    return [int(number) - 1 for number in slices]
