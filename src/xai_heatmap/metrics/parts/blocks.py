"""An input cut into sixteen or thirty-two blocks of equal size, each of patches half as long."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from xai_heatmap.core.cells import cell_means
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.shapes import Bool, Float64, Int

ALONG = {1: (16,), 2: (4, 4), 3: (2, 4, 4)}
"""Blocks along each axis, by the number of axes; of a volume the fewest along its shortest axis."""

OF_A_BLOCK = 2
"""Patches of a block along each axis."""

Patches = Float64[np.ndarray, "*patches"]
"""One number for each patch."""


@dataclass(frozen=True)
class Blocks:
    """Blocks of an input of one size.

    Parameters
    ----------
    image
        Places along each axis.
    along
        Blocks along each axis.
    """

    image: tuple[int, ...]
    along: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of blocks, a power of two."""
        return prod(self.along)

    @property
    def patches(self) -> tuple[int, ...]:
        """Patches along each axis."""
        return tuple(OF_A_BLOCK * blocks for blocks in self.along)

    @cached_property
    def owners(self) -> Int[np.ndarray, "*image"]:
        """Number of the patch in which the centre of each place lies."""
        own = [
            (2 * np.arange(places) + 1) * n // (2 * places)
            for n, places in zip(self.patches, self.image, strict=True)
        ]
        return np.ravel_multi_index(np.ix_(*own), self.patches)


def blocks_of(image: Sequence[int]) -> Blocks:
    """Blocks of an input of that size.

    Raises
    ------
    BadArray
        If the input has fewer places along an axis than patches, or more than three axes.
    """
    size = "x".join(map(str, image))
    if len(image) not in ALONG:
        raise BadArray(f"An input of {size} has no grid of one, two or three axes to take away.")
    along = list(ALONG[len(image)])
    if len(image) == 3:
        shortest = int(np.argmin(image))
        along.insert(shortest, along.pop(0))
    own = Blocks(tuple(image), tuple(along))
    if any(places < n for places, n in zip(image, own.patches, strict=True)):
        needed = "x".join(map(str, own.patches))
        raise BadArray(f"The input is {size} places; the test cuts it into {needed} patches.")
    return own


def patch_means(values: Float64[np.ndarray, "*image"], blocks: Blocks) -> Patches:
    """Mean of the values over each patch, places that two patches share by their parts."""
    return cell_means(values, blocks.patches)


def over_places(
    patches: Bool[np.ndarray, "*patches"], blocks: Blocks
) -> Bool[np.ndarray, "*image"]:
    """Patches as places of the input."""
    return patches.ravel()[blocks.owners]
