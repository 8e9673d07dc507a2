"""Frames of a video as entries of a listing."""

from collections.abc import Iterator
from pathlib import Path

from xai_heatmap.core.errors import BadOption
from xai_heatmap.sources.listing.entry import Entry, absolute
from xai_heatmap.sources.video import times

MARK = "#pts="


def in_video(path: str, *, every: int = 1) -> Iterator[Entry]:
    """An entry for each frame, or every so many, in the order in which they are shown.

    The id of a frame says its presentation time in seconds: ``clip.mp4@000012.480000``.

    Raises
    ------
    BadOption
        For an `every` below 1.
    ImageNotFound, NotAnImage
        As `sources.video.times` does.
    """
    if every < 1:
        raise BadOption(f"every is a number of frames, at least 1; received {every}.")
    name, whole = Path(path).name, absolute(path)
    for pts, seconds in times(path)[::every]:
        yield Entry(f"{name}@{seconds:013.6f}", f"{whole}{MARK}{pts}", offset=pts)


def frame_entry(name: str, uri: str) -> Entry:
    """The entry that a row of a run over a video was made of."""
    return Entry(name, uri, offset=int(uri.rpartition(MARK)[2]))
