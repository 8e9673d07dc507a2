"""A linear layer that is the first to mix anything in a signal, and what follows it."""

from dataclasses import dataclass
from typing import Any

import torch

from xai_heatmap.networks.opening.axes_found import Consumed, Shape, linear_first

Coordinates = list[torch.Tensor]
"""Of the images and of every axis of one input: which place each number came from."""


@dataclass
class LinearFirst:
    """The layer, and what those behind it show.

    Parameters
    ----------
    mixed, rows
        The axis that it mixes, and the other one.
    shape
        Of one input.
    """

    mixed: int
    rows: int
    shape: Shape
    sequence: bool = False
    both: bool = False

    def told(self) -> Consumed:
        """What it reads as channels, as far as it was shown."""
        return linear_first(
            self.mixed, self.rows, self.shape, sequence=self.sequence, both=self.both
        )

    def mixes_both(self, own: Coordinates, value: torch.Tensor) -> bool:
        """Whether a linear layer mixes the rows, of which nothing else is laid out beside them."""
        along = -1 in varies(own[1 + self.rows])
        self.both = along and value.shape[-1] == self.shape[self.rows]
        return self.both

    def sequence_of(self, own: Coordinates, channels: int | None, grid: set[int]) -> bool:
        """Whether an operation reads the rows as its places, not as inputs or channels."""
        placed = varies(own[1 + self.rows])
        self.both = channels in placed
        self.sequence = not self.both and bool((placed - varies(own[0])) & grid)
        return self.both or self.sequence

    def placed(
        self, one: Any, own: Coordinates | None, other: Any, others: Coordinates | None
    ) -> bool:
        """Whether numbers are added that are others for every row, but the same for all inputs."""
        if own is None:
            one, own, other, others = other, others, one, own
        if own is None or others is not None or not isinstance(other, torch.Tensor):
            return False
        shared = other.ndim < one.ndim or other.shape[0] == 1 < one.shape[0]
        axes = varies(own[1 + self.rows])
        self.sequence = shared and any(other.ndim >= -a and other.shape[a] > 1 for a in axes)
        return self.sequence


def mixed_by(own: Coordinates, value: torch.Tensor, shape: Shape) -> LinearFirst | None:
    """The linear layer, if the input is a signal of two axes, of which it mixes one as a whole."""
    long = [axis for axis, length in enumerate(shape) if length > 1]
    along = [axis for axis in long if -1 in varies(own[1 + axis])]
    if len(long) != 2 or len(along) != 1 or -1 in varies(own[0]):
        return None
    mixed, rows = along[0], next(axis for axis in long if axis != along[0])
    return LinearFirst(mixed, rows, shape) if value.shape[-1] == shape[mixed] else None


def behind(own: Coordinates, output: torch.Tensor) -> Coordinates:
    """Where the numbers behind a linear layer come from; what it mixed comes from everywhere."""
    kept = (torch.zeros_like(one[..., :1]) if -1 in varies(one) else one[..., :1] for one in own)
    return [one.expand(output.shape) for one in kept]


def varies(one: torch.Tensor) -> set[int]:
    """On which axes, counted from the end, a coordinate is not the same everywhere."""
    return {
        axis - one.ndim
        for axis in range(one.ndim)
        if one.shape[axis] > 1
        and not torch.equal(
            one.narrow(axis, 0, one.shape[axis] - 1), one.narrow(axis, 1, one.shape[axis] - 1)
        )
    }
