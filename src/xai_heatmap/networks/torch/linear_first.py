"""First mixing linear layer of a signal: which axis holds the channels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from xai_heatmap.networks.opening.axes_found import Consumed, Shape, linear_first

PRODUCTS = ("einsum", "matmul", "mm", "__matmul__")
"""Products that may have the weights as first factor."""

REDUCES = ("mean", "sum", "amax", "amin", "std", "var", "logsumexp", "norm")
"""Reductions along one axis."""

Coordinates = list[torch.Tensor]
"""Coordinates of each number: place along the images, and along every axis of one input."""


@dataclass
class LinearFirst:
    """First mixing linear layer of a signal, and the use of the other axis by later operations.

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
        """Channel axis of the linear layer, as far as the pass shows the axis."""
        return linear_first(
            self.mixed, self.rows, self.shape, sequence=self.sequence, both=self.both
        )

    def mixes_both(self, own: Coordinates, value: torch.Tensor) -> bool:
        """Whether a linear layer mixes the whole axis of rows, and that axis alone."""
        along = -1 in varies(own[1 + self.rows])
        self.both = along and value.shape[-1] == self.shape[self.rows]
        return self.both

    def sequence_of(self, own: Coordinates, channels: int | None, grid: set[int]) -> bool:
        """Whether an operation reads the rows as places, not as inputs or channels."""
        placed = varies(own[1 + self.rows])
        self.both = channels in placed
        self.sequence = not self.both and bool((placed - varies(own[0])) & grid)
        return self.both or self.sequence

    def placed(
        self, one: Any, own: Coordinates | None, other: Any, others: Coordinates | None
    ) -> bool:
        """Whether an addition depends on the row but not on the input, as a position embedding."""
        if own is None:
            one, own, other, others = other, others, one, own
        if own is None or others is not None or not isinstance(other, torch.Tensor):
            return False
        shared = other.ndim < one.ndim or other.shape[0] == 1 < one.shape[0]
        axes = varies(own[1 + self.rows])
        self.sequence = shared and any(other.ndim >= -a and other.shape[a] > 1 for a in axes)
        return self.sequence


def mixed_by(own: Coordinates, value: torch.Tensor, shape: Shape) -> LinearFirst | None:
    """Linear layer that mixes one whole axis of a signal of two axes; None for other operations."""
    long = [axis for axis, length in enumerate(shape) if length > 1]
    along = [axis for axis in long if -1 in varies(own[1 + axis])]
    if len(long) != 2 or len(along) != 1 or -1 in varies(own[0]):
        return None
    mixed, rows = along[0], next(axis for axis in long if axis != along[0])
    return LinearFirst(mixed, rows, shape) if value.shape[-1] == shape[mixed] else None


def as_linear(
    name: str, args: Sequence[Any], known: Callable[[object], Coordinates | None]
) -> tuple[torch.Tensor, Coordinates, list[int]] | None:
    """Value of a product with weights in front, turned so that the mixed axis is last.

    Returned are the turned value, its coordinates, and the order of the axes of the output relative
    to the turned value with the new axis last; None for any other product.
    """
    if name == "einsum":
        return _as_sum(args, known)
    if len(args) != 2 or not all(isinstance(one, torch.Tensor) for one in args):
        return None
    weights, value = args
    own = known(value)
    if own is None or known(weights) is not None or weights.ndim != 2 or value.ndim < 2:
        return None
    turned = [one.transpose(-1, -2) for one in own]
    order = [*range(value.ndim - 2), value.ndim - 1, value.ndim - 2]
    return value.transpose(-1, -2), turned, order


def _as_sum(
    args: Sequence[Any], known: Callable[[object], Coordinates | None]
) -> tuple[torch.Tensor, Coordinates, list[int]] | None:
    word, *values = args
    if not isinstance(word, str) or "->" not in word or "." in word or len(values) != 2:
        return None
    read, answered = word.replace(" ", "").split("->")
    for value, letters in zip(values, read.split(","), strict=False):
        own = known(value)
        mixed = [letter for letter in letters if letter not in answered]
        new = [letter for letter in answered if letter not in letters]
        if own is None or len(mixed) != 1 or len(new) != 1 or len(set(letters)) < len(letters):
            continue
        kept = [letter for letter in letters if letter != mixed[0]]
        axes = [letters.index(letter) for letter in (*kept, *mixed)]
        order = [[*kept, *new].index(letter) for letter in answered]
        return value.permute(*axes), [one.permute(*axes) for one in own], order
    return None


def reduced(
    own: Coordinates, output: torch.Tensor, args: Sequence[Any], kwargs: dict[str, Any]
) -> Coordinates | None:
    """Input coordinates of a mean along one axis, taken from the first entry along the axis."""
    axis = kwargs.get("dim", args[1] if len(args) > 1 else None)
    axis = axis[0] if isinstance(axis, tuple | list) and len(axis) == 1 else axis
    if not isinstance(axis, int):
        return None
    first = [one.narrow(axis, 0, 1) if one.shape[axis] else one for one in own]
    return [one.reshape(output.shape) for one in first]


def behind(own: Coordinates, output: torch.Tensor) -> Coordinates:
    """Input coordinates behind a linear layer; coordinates that the layer mixes become zero."""
    kept = (torch.zeros_like(one[..., :1]) if -1 in varies(one) else one[..., :1] for one in own)
    return [one.expand(output.shape) for one in kept]


def varies(one: torch.Tensor) -> set[int]:
    """On which axes, counted from the end, a coordinate is not the same everywhere."""
    one = without_repeats(one)
    return {
        axis - one.ndim
        for axis in range(one.ndim)
        if one.shape[axis] > 1
        and not torch.equal(
            one.narrow(axis, 0, one.shape[axis] - 1), one.narrow(axis, 1, one.shape[axis] - 1)
        )
    }


def without_repeats(one: torch.Tensor) -> torch.Tensor:
    """Coordinate with one number along every axis that is repeated in memory."""
    for axis, stride in enumerate(one.stride()):
        one = one.narrow(axis, 0, 1) if stride == 0 and one.shape[axis] else one
    return one
