"""Frames of a camera, a stream or a video file as they come: upright, RGB, with their times."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import ImageNotFound, NotAnImage
from xai_heatmap.core.pyav import av
from xai_heatmap.sources.video import upright

LIVE = ("rtsp", "rtsps", "rtmp", "rtmps", "udp", "rtp", "srt", "tcp")
"""Schemes of addresses whose frames go by whether somebody looks or not."""

STREAMED = (*LIVE, "http", "https")

SYSTEMS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
"""What FFmpeg calls the cameras of a system."""

WAIT = 10.0
"""Seconds until a stream that does not answer is given up."""


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One frame.

    Parameters
    ----------
    image
        Upright, RGB.
    time
        Seconds from the first frame on.
    number
        Counted from 0.
    """

    image: Image
    time: float
    number: int


def is_live(where: str) -> bool:
    """Whether frames go by while nobody looks, as those of a camera do; those of a file do not."""
    return where.isdecimal() or where.startswith("/dev/") or urlsplit(where).scheme in LIVE


def video_frames(where: str) -> Iterator[VideoFrame]:
    """Frames one after the other: of a camera by its number, of a stream by its address, of a file
    by its path.

    Raises
    ------
    InputError
        Without PyAV.
    ImageNotFound, NotAnImage
        If there is no such camera or file, or it holds no video; where a stream breaks off.
    """
    with _opened(av(), where) as container:
        if not container.streams.video:
            raise NotAnImage(f"{where!r} holds no video. Give a file or an address with one.")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        first: float | None = None
        with _broken(av(), where):
            for number, frame in enumerate(container.decode(stream)):
                time = _time(frame, number, stream)
                first = time if first is None else first
                yield VideoFrame(upright(frame), time - first, number)


def _time(frame: Any, number: int, stream: Any) -> float:
    if frame.time is not None:
        return float(frame.time)
    rate = float(stream.average_rate or 25)
    return number / rate


@contextmanager
def _opened(library: Any, where: str) -> Iterator[Any]:
    """The container of a source, closed in the end."""
    path, how = _address(where)
    try:
        container = library.open(
            path, timeout=WAIT if urlsplit(where).scheme in STREAMED else None, **how
        )
    except library.FFmpegError as error:
        missing = isinstance(error, library.FileNotFoundError)
        kind = ImageNotFound if missing else NotAnImage
        raise kind(_unopened(where, path, error)) from error
    except OSError as error:
        raise NotAnImage(_unopened(where, path, error)) from error
    with container:
        yield container


def _address(where: str) -> tuple[str, dict[str, Any]]:
    """What PyAV opens, and how."""
    if where.isdecimal():
        system = SYSTEMS.get(sys.platform, "v4l2")
        return (f"/dev/video{where}" if system == "v4l2" else where), {"format": system}
    if where.startswith("/dev/"):
        return where, {"format": "v4l2"}
    scheme = urlsplit(where).scheme
    if scheme in STREAMED:
        return where, {"options": {"rtsp_transport": "tcp"} if scheme.startswith("rtsp") else {}}
    return str(Path(where).expanduser()), {}


def _unopened(where: str, path: str, error: BaseException) -> str:
    said = str(error).partition("]")[2].partition(":")[0].strip() or str(error)
    if is_live(where) and "://" not in where:
        return (
            f"Camera {where!r} ({path}) can't be opened: {said}. Is it plugged in, free, and may "
            "this user read it? Another one has another number: --device 1."
        )
    if "://" in where:
        return f"{where!r} can't be opened: {said}. Check the address, and that it can be reached."
    return f"{where!r} can't be opened as a video: {said}. Check the path, and that it is a video."


@contextmanager
def _broken(library: Any, where: str) -> Iterator[None]:
    try:
        yield
    except library.FFmpegError as error:
        raise NotAnImage(
            f"{where!r} broke off: {error}. What came before it is explained; a stream can be "
            "opened again, a file may be truncated."
        ) from error
