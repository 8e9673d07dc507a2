"""Regions that overlap, taken one after the other."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.shapes import Float64, Int
from xai_heatmap.methods._segments import Labels

Pairs = Int[np.ndarray, " pairs"]


def ranked(
    added: Float64[np.ndarray, "*grid"],
    labels: Sequence[Labels],
    *,
    around: int | Sequence[int] = 0,
    fewest: int = 1,
) -> Float64[np.ndarray, "*grid"]:
    """Every place's mean over what the region that took it added: the region of the highest mean is
    first, then the one whose free places have it. Slivers are left over, and share one mean.

    Parameters
    ----------
    labels
        Several segmentations; the regions of all compete. What is below 0 is in no region.
    around
        By how many places each is widened: along every axis, or one number for each.
    fewest
        A region with fewer free places than this takes none.
    """
    values, found = added.ravel(), np.zeros(added.size)
    left = np.ones(values.size, bool)
    widths = [around] * added.ndim if isinstance(around, int) else around
    regions, places = _members(labels, widths)
    count = int(regions.max(initial=-1)) + 1
    while regions.size:
        sizes = np.bincount(regions, minlength=count)
        sums = np.bincount(regions, values[places], minlength=count)
        means = np.divide(sums, sizes, out=np.full(count, -np.inf), where=sizes >= fewest)
        best = int(means.argmax())
        if sizes[best] < fewest:
            break
        taken = places[regions == best]
        found[taken] = means[best]
        left[taken] = False
        kept = left[places]
        regions, places = regions[kept], places[kept]
    if left.any():
        found[left] = values[left].mean()
    return found.reshape(added.shape)


def _members(labels: Sequence[Labels], around: Sequence[int]) -> tuple[Pairs, Pairs]:
    """The places of every region of every segmentation, with those around it."""
    grid = labels[0].shape
    places, first, pairs = int(np.prod(grid)), 0, []
    for one in labels:
        label = one.ravel().astype(np.int64)
        own = (label * places + np.arange(places))[label >= 0]
        for axis, (length, width) in enumerate(zip(grid, around, strict=True)):
            stride = int(np.prod(grid[axis + 1 :]))
            at = own // stride % length
            shifted = [
                (own + by * stride)[(at + by >= 0) & (at + by < length)]
                for by in range(-width, width + 1)
            ]
            own = np.unique(np.concatenate(shifted))
        pairs.append(own + first * places)
        first += int(one.max()) + 1
    together = np.concatenate(pairs)
    return together // places, together % places
