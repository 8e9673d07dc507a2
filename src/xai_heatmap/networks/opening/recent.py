"""Least-recently-used cache, for facts of a model by size of picture."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

SIZES = 16
"""Most sizes of pictures in a cache."""


class Recent(dict[K, V]):
    """Dict of the `most` entries that were used last."""

    def __init__(self, most: int = SIZES) -> None:
        super().__init__()
        self.most = most

    def __getitem__(self, key: K) -> V:
        value = super().__getitem__(key)
        super().__delitem__(key)
        super().__setitem__(key, value)  # now the last
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self.pop(key, None)
        super().__setitem__(key, value)
        while len(self) > self.most:
            del self[next(iter(self))]
