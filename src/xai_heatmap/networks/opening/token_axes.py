"""Axes of a layer that count tokens: numbers for pairs of tokens, features of tokens head by head.

Such an array has as many axes as a stack of feature maps, and lies nowhere in the picture.
"""

import math
from collections.abc import Collection, Sequence

PAIRS = "it holds a number for every pair of tokens, which lie nowhere in the picture"
HEADS = (
    "one of its two axes counts tokens and the other one features, head by head, so that they "
    "are no rows and columns of a picture"
)


class TokenAxes:
    """Lengths of axes that count tokens, as far as the layers of a network have shown them.

    Parameters
    ----------
    queries
        How many boxes a detector answers; None of any other network.
    """

    def __init__(self, queries: int | None) -> None:
        self._lengths = set[int]() if queries is None else {queries}

    def add(self, tokens: int) -> None:
        """Count `tokens` as a number of tokens."""
        self._lengths.add(tokens)

    def pairs(self, shape: Sequence[int], grids: Collection[tuple[int, ...]] = ()) -> bool:
        """Whether two equal axes of `shape` have as many entries as there are tokens, or as one of
        the `grids` has places.
        """
        counted = self._lengths | {math.prod(grid) for grid in grids}
        return not counted.isdisjoint(_alike(shape))

    def by_heads(self, shape: Sequence[int], grid: Sequence[int]) -> bool:
        """Whether a `grid` that was read from `shape` has an axis of tokens beside one of features:
        (n, heads, tokens, features) in any order.
        """
        return len(shape) == 4 and not self._lengths.isdisjoint(grid) and len(set(grid)) > 1


def _alike(shape: Sequence[int]) -> set[int]:
    """Lengths shared by two of the three axes behind the axis of images."""
    axes = shape[1:] if len(shape) == 4 else ()
    return {length for length in axes if list(axes).count(length) > 1}
