"""A video written anew, frame by frame, with the sound and the times of the one it is made from."""

import contextlib
import math
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import OutputError
from xai_heatmap.core.pyav import av, opened, said
from xai_heatmap.sinks.staging import growing

ENCODERS = {".webm": ("libvpx-vp9",), "": ("libx264", "libopenh264", "mpeg4")}
"""Encoders by suffix, the best first; those that a build of PyAV lacks are left out."""

QUALITY = {"libx264": {"crf": "18", "preset": "veryfast"}, "libvpx-vp9": {"crf": "30", "b": "0"}}

HD = 720
"""Rows from which players take colours for ITU-R BT.709, else BT.601."""

BT601, BT709, LIMITED = 5, 1, 1
"""Numbers of the colour spaces and of the range 16 to 235, as FFmpeg has them."""

Frames = Iterable[tuple[int, Image]]
"""Presentation time and picture of each frame, in order; all pictures of one size."""


def write_video(path: Path, frames: Frames, source: str) -> Path:
    """Write frames as a video, whole or not at all, with the sound of the source.

    Sound is copied, not encoded again. Odd sizes grow by a row or a column, which the encoders
    need.

    Parameters
    ----------
    path
        ``.webm`` becomes VP9; anything else H.264, or MPEG-4 where PyAV has no H.264. Its folder is
        made if it is not there.
    frames
        Presentation times in the unit of the source's video stream.
    source
        File that the frames come from.

    Raises
    ------
    OutputError
        If it can't be written; what stood there before stays.
    """
    check(path)
    with _blamed(path), growing(path) as named:
        _written(named, path, frames, source)
        named.replace(path)
    return path


@contextlib.contextmanager
def _blamed(path: Path) -> Generator[None]:
    """Context in which what fails is said of the file that is written."""
    try:
        yield
    except (OSError, ValueError, av().error.FFmpegError) as error:
        raise OutputError(
            f"{str(path)!r} can't be written: {error}. The rows of the run stay; run the same "
            "command again, or choose another --out."
        ) from error


def check(path: Path) -> None:
    """Whether a file can be made there, before hours of work: encoders open theirs late.

    Raises
    ------
    OutputError
        If not.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK) or path.is_dir():
            raise PermissionError("is a folder" if path.is_dir() else "its folder is read-only")
    except OSError as error:
        raise OutputError(
            f"{str(path)!r} can't be written: {error}. Choose another --out."
        ) from error


def _written(path: Path, asked: Path, frames: Frames, source: str) -> None:
    # Inside of what is said of the source: an encoder that fails, a full disk, is not its fault.
    with (
        opened(source) as (given, shown),
        _blamed(asked),
        av().open(str(path), "w") as made,
    ):
        writing, sound = None, _Sound(given, made, source)
        for pts, image in frames:
            if writing is None:
                writing = _Stream(made, image, shown, asked.suffix)
                sound.add()
            sound.until(float(pts * shown.time_base))
            writing.write(pts, image)
        if writing is not None:
            writing.finish()
            sound.until(math.inf)


class _Sound:
    """The sound of a file, copied packet by packet, no further than the pictures are."""

    def __init__(self, given: Any, made: Any, source: str) -> None:
        known = made.supported_codecs
        self._streams = [one for one in given.streams.audio if one.codec_context.name in known]
        self._given, self._made, self._source = given, made, source
        self._copies: dict[int, Any] = {}
        self._packets: Iterator[Any] = iter(())
        self._waiting: Any = None

    def add(self) -> None:
        """Add the streams, behind that of the pictures."""
        for stream in self._streams:
            self._copies[stream.index] = self._made.add_stream_from_template(stream)
        if self._streams:
            self._packets = (
                packet for packet in self._given.demux(*self._streams) if packet.dts is not None
            )

    def until(self, seconds: float) -> None:
        """Copy what is heard up to a time."""
        while (packet := self._waiting or self._next()) is not None:
            self._waiting = packet
            if float(packet.dts * packet.time_base) > seconds:
                return
            packet.stream = self._copies[packet.stream.index]
            self._made.mux(packet)
            self._waiting = None

    def _next(self) -> Any:
        with said(self._source):
            return next(self._packets, None)


class _Stream:
    """The video stream of a file that is being written."""

    def __init__(self, made: Any, first: Image, shown: Any, suffix: str) -> None:
        self._made, self._base = made, shown.time_base
        name = next(
            own
            for own in ENCODERS.get(suffix.casefold(), ENCODERS[""])
            if own in av().codecs_available
        )
        rate = shown.average_rate or Fraction(25)
        rows, columns = (size + size % 2 for size in first.shape[:2])
        self._stream = made.add_stream(name, rate=rate, options=QUALITY.get(name, {}))
        self._stream.width, self._stream.height = columns, rows
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = shown.time_base
        self._space = BT709 if rows >= HD else BT601
        self._stream.codec_context.colorspace = self._space
        self._stream.codec_context.color_range = LIMITED
        self._size = rows, columns

    def write(self, pts: int, image: Image) -> None:
        """One frame more."""
        more = [(0, own - size) for own, size in zip(self._size, image.shape[:2], strict=True)]
        padded = np.pad(image, (*more, (0, 0)), mode="edge")
        frame = av().VideoFrame.from_ndarray(padded, format="rgb24").reformat(
            format="yuv420p", dst_colorspace=self._space, dst_color_range=LIMITED
        )  # fmt: skip
        frame.pts, frame.time_base = pts, self._base
        for packet in self._stream.encode(frame):
            self._made.mux(packet)

    def finish(self) -> None:
        """What the encoder still holds."""
        for packet in self._stream.encode(None):
            self._made.mux(packet)


def ahead(frames: Iterator[Any], work: Callable[[Any], Any], pool: Any, most: int) -> Iterator[Any]:
    """Work on frames in a pool of threads, a few ahead; results in order."""
    waiting: list[Any] = []
    try:
        for frame in frames:
            waiting.append(pool.submit(work, frame))
            if len(waiting) > most:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        for job in waiting:
            job.cancel()
