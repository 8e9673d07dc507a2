"""Registration: what a layer's cells answer to, against where these cells are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from xai_heatmap.core.arrays import Activation, Activations, Input, Inputs
from xai_heatmap.core.layers.placing import Extent
from xai_heatmap.core.network import Network
from xai_heatmap.core.shapes import Float64

ALONG = {1: 16, 2: 4, 3: 2}
"""Places that are disturbed along each axis, by the number of axes; they lie evenly around the
middle, so that what the border of the input does to them cancels."""

SIDE = 16
"""A disturbance is as long as this part of each axis."""

PART = 0.5
"""Cells that answer with at least this part of the strongest answer count."""

FOLLOWS = 0.5
"""Least slope of where it shows by where it was: below, a layer has no places of its own."""

Responses = Float64[np.ndarray, "places *grid"]
"""How far the cells of a layer moved, for each place that was disturbed."""

Points = Float64[np.ndarray, "places axes"]


@dataclass(frozen=True)
class Registered:
    """Where the cells of one layer look, by one picture.

    Parameters
    ----------
    offset
        Mean of what cells answer to less where they are drawn: where the disturbance was less where
        it shows, in places of the input along each axis.
    follows
        Slope of where it shows by where it was, along each axis: 1 where cells keep their places.
    """

    offset: tuple[float, ...]
    follows: tuple[float, ...]


def disturbed_at(image: Sequence[int]) -> Points:
    """Middles of the places that are disturbed, in places of the input."""
    n = ALONG[len(image)]
    along = [(np.arange(n) + 1) * length / (n + 1) for length in image]
    return np.array(list(product(*along)), np.float64)


def disturbances(x: Input, seed: int = 0) -> tuple[Inputs, Points]:
    """The input with noise in one place, again and again, and the middles of these places.

    The noise is plus or minus the standard deviation of the input, twice.
    """
    image = x.shape[1:]
    sides = [max(round(length / SIDE), 1) for length in image]
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (x.shape[0], *sides))
    noise = (2 * x.std() * signs).astype(np.float32)
    rows, middles = [], []
    for middle in disturbed_at(image):
        starts = [round(at - side / 2) for at, side in zip(middle, sides, strict=True)]
        own = x.copy()
        own[(slice(None), *(slice(s, s + d) for s, d in zip(starts, sides, strict=True)))] += noise
        rows.append(own)
        middles.append([s + d / 2 for s, d in zip(starts, sides, strict=True)])
    return np.stack(rows), np.array(middles, np.float64)


def responses(before: Activation, after: Activations) -> Responses:
    """Σ over channels of the squared change of every cell, for each picture that was disturbed."""
    return ((after.astype(np.float64) - before[None]) ** 2).sum(axis=1)


def registered(
    found: Responses, middles: Points, image: Sequence[int], extent: Extent | None = None
) -> Registered | None:
    """Where a layer answers, drawn over the input as its maps are; None where it never does."""
    grid = found.shape[1:]
    spans = extent or tuple((0.0, float(length)) for length in image)
    shown, at = [], []
    for own, middle in zip(found, middles, strict=True):
        strongest = own.max(initial=0)
        if not strongest > 0:
            continue
        weights = np.where(own >= PART * strongest, own, 0)
        centroid = []
        for axis, (cells, (start, stop)) in enumerate(zip(grid, spans, strict=True)):
            along = weights.sum(axis=tuple(a for a in range(len(grid)) if a != axis))
            cell = float(along @ (np.arange(cells) + 0.5) / along.sum())
            centroid.append(start + cell * (stop - start) / cells)
        shown.append(centroid)
        at.append(middle)
    if len(at) < 2:
        return None
    there, here = np.array(shown), np.array(at)
    away = here - here.mean(axis=0)
    size = (away**2).sum(axis=0)
    slope = (away * (there - there.mean(axis=0))).sum(axis=0) / np.where(size > 0, size, 1)
    return Registered(tuple(map(float, (here - there).mean(axis=0))), tuple(map(float, slope)))


def registration(
    network: Network, x: Input, layers: Sequence[str], seed: int = 0
) -> Mapping[str, Registered | None]:
    """Registration of every layer by one picture; empty where the picture is flat.

    Seventeen forward passes of a picture, none back.
    """
    if not x.std() > 0:
        return {}
    pictures, middles = disturbances(x, seed)
    before = network.record(np.ascontiguousarray(x[None]), layers).activations
    after = network.record(pictures, layers).activations
    image, known = x.shape[1:], network.survey(x.shape).layers
    return {
        name: registered(
            responses(before[name][0], after[name]), middles, image, known[name].extent
        )
        for name in layers
        if before[name].ndim == len(image) + 2
    }
