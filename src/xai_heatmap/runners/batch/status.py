"""Status of a run: how far it is, and what pages say of pictures that are not done yet."""

from dataclasses import dataclass

from xai_heatmap.core.counted import counted


@dataclass(frozen=True)
class Status:
    """How far a run is, from its files alone.

    Parameters
    ----------
    pictures, rows, errors
        How many there are, how many are finished, how many of these can't be explained.
    shards, finished
        How many there are, and how many are finished.
    codes
        How many errors of which code there are.
    """

    pictures: int
    rows: int
    errors: int
    shards: int
    finished: int
    codes: dict[str, int]

    @property
    def waiting(self) -> int:
        """How many pictures have no row yet."""
        return self.pictures - self.rows

    @property
    def complete(self) -> bool:
        """Whether every shard is finished."""
        return self.finished == self.shards


def unfinished(waiting: int) -> str:
    """What a page of a run says of pictures that have no row yet; nothing where there are none.

    >>> unfinished(1)
    '1 picture of the run is not done yet: the same `xai-heatmap batch` command goes on with it.'
    """
    if not waiting:
        return ""
    are = counted(waiting, "picture of the run is", "pictures of the run are")
    with_them = "it" if waiting == 1 else "them"
    return f"{are} not done yet: the same `xai-heatmap batch` command goes on with {with_them}."
