"""Frames of a video file, each by its presentation time, upright, as RGB."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import NotAnImage
from xai_heatmap.core.pyav import av, opened

VIDEOS = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm")
"""Suffixes of files that are taken for videos."""

KEPT = 24
"""Frames of a clip that are kept decoded: threads ask for frames in about their order."""

OPEN = 2
"""Clips that are kept open in a process."""


def times(path: str) -> list[tuple[int, float]]:
    """Presentation time of each frame that is shown, in the file's own unit and in seconds, from
    the packets alone: nothing is decoded.

    Raises
    ------
    ImageNotFound, NotAnImage
        If there is no such file, or no video in it.
    """
    with opened(path) as (container, stream):
        found = sorted(
            {
                packet.pts
                for packet in container.demux(stream)
                if packet.pts is not None and not packet.is_discard
            }
        )
        base = float(stream.time_base)
    if not found:
        raise NotAnImage(f"{path!r} has no frame.")
    return [(pts, pts * base) for pts in found]


def upright(frame: Any) -> Image:
    """A decoded frame as RGB (H, W, 3) in 8 bits, turned as the file says."""
    pixels = frame.to_ndarray(format="rgb24")
    quarter = round(frame.rotation / 90) % 4  # counter-clockwise
    return np.ascontiguousarray(np.rot90(pixels, quarter))


def frames(path: str) -> Iterator[tuple[int, Image]]:
    """Every frame in the order in which it is shown, by its presentation time; what is broken in
    between is left out.

    Raises
    ------
    ImageNotFound, NotAnImage
        If there is no such file, or no video in it.
    """
    with opened(path) as (container, stream):
        stream.thread_type = "AUTO"
        yield from _decoded(container, stream)


def _decoded(container: Any, stream: Any) -> Iterator[tuple[int, Image]]:
    """Frames from where the container stands."""
    for packet in container.demux(stream):
        with contextlib.suppress(av().error.InvalidDataError):
            for frame in packet.decode():
                if frame.pts is not None:
                    yield frame.pts, upright(frame)


@dataclass
class Clip:
    """An open video of which any frame can be had; those that come one after the other are decoded
    once.

    Parameters
    ----------
    path
        Of the file.
    """

    path: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: "OrderedDict[int, Image]" = field(default_factory=OrderedDict)
    _decoding: Iterator[tuple[int, Image]] | None = None
    _at: int | None = None
    decoded: int = 0

    def frame(self, pts: int) -> Image:
        """The frame that is shown at a time, RGB (H, W, 3).

        Raises
        ------
        ImageNotFound, NotAnImage
            If the file is not there, broken, or has no frame of that time.
        """
        with self._lock:
            if pts in self._kept:
                return self._kept[pts]
            if self._decoding is None or self._at is None or not self._at < pts:
                self._seek(pts)
            for at, image in self._decoding or ():
                self.decoded += 1
                self._at, self._kept[at] = at, image
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
                if at == pts:
                    return image
                if at > pts:
                    break
        raise NotAnImage(
            f"{self.path!r} shows no frame at its time {pts}: the file was changed, or is broken "
            "there."
        )

    def _seek(self, pts: int) -> None:
        self._decoding = self._from(pts)
        self._at = None

    def _from(self, pts: int) -> Iterator[tuple[int, Image]]:
        """Frames from the key frame before a time on."""
        with opened(self.path) as (container, stream):
            container.seek(pts, stream=stream)
            yield from _decoded(container, stream)


_clips: OrderedDict[str, Clip] = OrderedDict()
_opening = threading.Lock()


def frame_at(path: str, pts: int) -> Image:
    """The frame of a video that is shown at a time, RGB (H, W, 3); threads may ask side by side.

    Raises
    ------
    ImageNotFound, NotAnImage
        As `Clip.frame` does.
    """
    with _opening:
        clip = _clips.setdefault(path, Clip(path))
        _clips.move_to_end(path)
        while len(_clips) > OPEN:
            _clips.popitem(last=False)
    return clip.frame(pts)
