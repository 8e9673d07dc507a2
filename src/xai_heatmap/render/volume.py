"""A volume as a sheet of slices, each with its heat over it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Volume
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.shapes import Float32
from xai_heatmap.render.contour import contour
from xai_heatmap.render.ground import ground
from xai_heatmap.render.overlay import overlay
from xai_heatmap.render.page import Picture
from xai_heatmap.render.sheet import sheet
from xai_heatmap.render.smooth import interpolation

Within = Float32[np.ndarray, "d h w"]
"""The heat of every place of a volume."""

MOST = 12
"""Slices on a sheet, where nobody says which."""

TILE = 240
"""Longer side of a slice, in pixels."""

WINDOW = (0.5, 99.5)
"""Percentiles of the values that become black and white."""

SAMPLED = 1 << 20
"""So many values at most tell the percentiles."""


def slices(
    volume: Volume,
    heat: Within,
    *,
    axis: int = 0,
    which: Sequence[int],
    colormap: str = "inferno",
    alpha: float = 0.75,
    mute: bool | None = False,
    outlined: bool = False,
) -> Picture:
    """Slices of a volume side by side, the heat over each, all on one scale of grey and of colour.

    Parameters
    ----------
    volume
        (c, d, h, w), as the network takes it. Three channels are shown as red, green and blue, and
        a slice of the first axis is then a frame; of any other number the mean is shown, each
        channel in its own range.
    heat
        (d, h, w) in [0, 1], or in [-1, 1] for a diverging colour map.
    axis
        Which is cut: 0, 1 or 2, channels not counted.
    which
        Slices, counted from 0.
    colormap, alpha
        As for `overlay`.
    mute
        As for `ground`; one ground for all slices.
    outlined
        Whether the places with at least half of the strongest relevance have an outline.
    """
    if volume.shape[1:] != heat.shape:
        raise BadArray(
            f"A volume is drawn with the heat of each of its places; received a volume of "
            f"{volume.shape[1:]} and a heat of {heat.shape}."
        )
    length = checked_axis(heat.shape, axis)
    cuts, heats = np.moveaxis(volume, axis + 1, 1), np.moveaxis(heat, axis, 0)
    window = _window(volume)
    word = "frame" if len(volume) == 3 and axis == 0 else "slice"
    pictures = [_enlarged(_pixels(cuts[:, place], window)) for place in which]
    strengths = [_drawn_out(heats[place], pictures[0].shape[:2]) for place in which]
    how: dict[str, Any] = {"colormap": colormap, "alpha": alpha}
    under = ground(np.concatenate(pictures), np.concatenate(strengths), mute=mute, **how)
    tiles = []
    for picture, strength in zip(np.split(under, len(which)), strengths, strict=True):
        tile = overlay(picture, strength, **how)
        tiles.append(contour(tile, strength) if outlined else tile)
    titles = [f"{word} {place + 1} of {length}" for place in which]
    return sheet(tiles, titles, size=TILE, columns=_columns(len(tiles)))


def _columns(count: int) -> int:
    """Between four and six, whichever leaves the fewest places of the last row empty."""
    return min(range(4, 7), key=lambda columns: -count % columns)


def checked_axis(grid: Sequence[int], axis: int) -> int:
    """Number of slices along an axis; a BadOption where that axis can't be cut."""
    if not 0 <= axis < len(grid):
        raise BadOption(
            f"A volume is cut along axis 0, 1 or 2, channels not counted; received {axis}."
        )
    return grid[axis]


def spread(heat: Within, *, axis: int, most: int = MOST) -> list[int]:
    """At most so many slices at equal distances; the one with the most heat takes the place of its
    nearest, so that sheets of several maps show the same but for one.

    >>> heat = np.zeros((9, 2, 2), np.float32)
    >>> heat[5] = 1
    >>> spread(heat, axis=0, most=3)
    [1, 5, 7]
    """
    length = checked_axis(heat.shape, axis)
    others = tuple(place for place in range(heat.ndim) if place != axis)
    amounts = np.abs(heat).sum(axis=others)
    count = min(most, length)
    places = [(2 * place + 1) * length // (2 * count) for place in range(count)]
    if amounts.any():
        hottest = int(amounts.argmax())
        nearest = min(range(count), key=lambda own: abs(places[own] - hottest))
        places[nearest] = hottest
    return places


def _window(volume: Volume) -> list[tuple[float, float]]:
    """The range of values that is shown: one for colours, for other channels each its own."""
    channels = [volume] if len(volume) == 3 else list(volume)
    ends = []
    for values in channels:
        flat = values.reshape(-1)[:: max(values.size // SAMPLED, 1)]
        low, high = np.percentile(flat, WINDOW)
        if low == high:
            low, high = flat.min(), flat.max()
        ends.append((float(low), float(high)))
    return ends


def _pixels(cut: Float32[np.ndarray, "c h w"], window: list[tuple[float, float]]) -> Picture:
    """One slice as a picture."""
    ends = window * len(cut) if len(window) == 1 else window
    shares = [
        (channel - low) / (high - low) if high > low else np.zeros_like(channel)
        for channel, (low, high) in zip(cut, ends, strict=True)
    ]
    shares = np.clip(shares, 0, 1)
    if len(cut) != 3:
        shares = np.repeat(shares.mean(axis=0, keepdims=True), 3, axis=0)
    return np.rint(255 * np.moveaxis(shares, 0, -1)).astype(np.uint8)


def _enlarged(picture: Picture) -> Picture:
    """Slice as large as a tile; what is seen of a small one are its own voxels."""
    whole = PIL.Image.fromarray(picture)
    scale = TILE / max(whole.size)
    size = max(1, round(whole.width * scale)), max(1, round(whole.height * scale))
    how = PIL.Image.Resampling.NEAREST if scale > 1 else PIL.Image.Resampling.LANCZOS
    return np.array(whole.resize(size, how))


def _drawn_out(
    heat: Float32[np.ndarray, "h w"], size: Sequence[int]
) -> Float32[np.ndarray, "rows columns"]:
    """The heat of a slice at the size of its tile."""
    rows, columns = size
    down = interpolation(rows, heat.shape[0], start=0.0, stop=float(rows))
    along = interpolation(columns, heat.shape[1], start=0.0, stop=float(columns))
    return down @ heat @ along.T
