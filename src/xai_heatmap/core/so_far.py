"""What a method has found so far, for whoever waits for its map."""

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager

import numpy as np

from xai_heatmap.core.arrays import Activation, Map, Values

Waiting = Callable[[Callable[[], Map]], None]
"""Is given a way to the map as it stands, which need not be gone."""

Of = Callable[[Values], Map]
"""From the scores of the first activations, one at least, to the map as it stands."""

_local = threading.local()


@contextmanager
def waiting(hear: Waiting) -> Generator[None, None, None]:
    """A block in which methods of this thread say what they have found."""
    before = getattr(_local, "hear", None)
    _local.hear = hear
    try:
        yield
    finally:
        _local.hear = before


def so_far(map_: Callable[[], Map]) -> None:
    """Say what the map is as it stands; nothing is computed where nobody waits."""
    hear: Waiting | None = getattr(_local, "hear", None)
    if hear is not None:
        hear(map_)


def telling(
    head: Callable[[Iterable[Activation]], Values], made: Of
) -> Callable[[Iterable[Activation]], Values]:
    """A head that says what the map is, by the scores that it has found, batch after batch."""

    def told(activations: Iterable[Activation]) -> Values:
        before = getattr(_local, "made", None)
        _local.made = made
        try:
            return head(activations)
        finally:
            _local.made = before

    return told


def came(values: Sequence[Values]) -> None:
    """Say that a head has found these scores of its first batches."""
    made: Of | None = getattr(_local, "made", None)
    if made is not None:
        so_far(lambda: made(np.concatenate(values)))
