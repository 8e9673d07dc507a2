"""A table that forgets: what is learnt of a model for one size of picture after the other."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

SIZES = 16
"""Most sizes of pictures in a cache."""


class Recent(dict[K, V]):
    """A dict of the entries that were used last, `most` of them."""

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
