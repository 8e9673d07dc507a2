"""A grid cut into blocks that are covered independently of each other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.options import per_axis
from xai_heatmap.core.shapes import Float32, Float64
from xai_heatmap.methods._areas import Areas, Shares
from xai_heatmap.methods._resize import resized

Mask = Float32[np.ndarray, "*grid"]
Design = Float64[np.ndarray, "samples cells"]


@dataclass(frozen=True)
class Cells:
    """Blocks of a grid: so many along each axis, as nearly alike as its length allows.

    Parameters
    ----------
    grid
        What is cut.
    along
        The number of blocks along each axis.
    """

    grid: tuple[int, ...]
    along: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return int(np.prod(self.along))

    def drawn(self, values: Float64[np.ndarray, " cells"]) -> Mask:
        """A mask that has in each block that block's value."""
        mask = values.reshape(self.along).astype(np.float32)
        for axis, (length, many) in enumerate(zip(self.grid, self.along, strict=True)):
            mask = mask.take(np.arange(length) * many // length, axis)
        return mask

    def spread(self, values: Float64[np.ndarray, " cells"]) -> Mask:
        """Each block's value, drawn out smoothly."""
        return resized(values.reshape(self.along).astype(np.float32), self.grid)


SHORT = 16
"""Places of an axis up to which each is a block of its own, where another is twice as long: frames
of a video, slices of a scan, leads of a recording."""


def cells_of(grid: Sequence[int], most: int | Sequence[int]) -> Cells:
    """`most` blocks along each axis, or as many as there are places.

    One number for all axes says how finely a picture's sides are cut. An axis that is short beside
    another is of another kind, and each of its places is a block; numbers for each axis stand.
    """
    own = per_axis(most, len(grid), name="cells")
    short = [
        isinstance(most, int) and length <= SHORT and 2 * length <= max(grid) for length in grid
    ]
    return Cells(
        tuple(grid),
        tuple(
            length if whole else min(many, length)
            for length, many, whole in zip(grid, own, short, strict=True)
        ),
    )


def blocks_of(
    grid: Sequence[int], most: int | Sequence[int], regions: Shares | None
) -> Cells | Areas:
    """The user's own regions, where there are some; else blocks."""
    return cells_of(grid, most) if regions is None else Areas(regions)


def latin_hypercube(samples: int, cells: int, random: np.random.Generator) -> Design:
    """Uniform on [0, 1), and for each cell one in every `samples`-th part of it."""
    order = random.permuted(np.tile(np.arange(samples), (cells, 1)), axis=1).T
    return (order + random.random((samples, cells))) / samples


def covered(
    activation: Activation, covers: Activation, cells: Cells | Areas, shown: Iterable[np.ndarray]
) -> Iterator[Activation]:
    """The activation as far as each row of `shown` lets every block of it be seen."""
    for values in shown:
        yield covers + cells.drawn(values) * (activation - covers)
