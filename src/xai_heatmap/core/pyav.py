"""PyAV, where it is installed: a video file opened, and what FFmpeg says against it in words."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xai_heatmap.core.errors import ImageNotFound, InputError, NotAnImage


def av() -> Any:
    """The module av (PyAV).

    Raises
    ------
    InputError
        Where it is not installed.
    """
    try:
        import av as found
    except ImportError:
        raise InputError("Videos need PyAV: pip install 'xai-heatmap[video]'.") from None
    return found


PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<")
"""Beginnings of texts that name other files, or addresses, opened by FFmpeg in their place."""


@contextmanager
def opened(path: str) -> Generator[tuple[Any, Any]]:
    """Context with an open file and its first video stream.

    Raises
    ------
    ImageNotFound, NotAnImage
        If there is no such file, or no video in it.
    """
    if not Path(path).is_file():
        raise ImageNotFound(f"There is no video {path!r}.")
    with Path(path).open("rb") as file:
        if file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(PLAYLISTS):
            raise NotAnImage(
                f"{path!r} is no video but a text that names others, such as a playlist. Name the "
                "video itself."
            )
    with said(path), av().open(path) as container:
        if not container.streams.video:
            raise NotAnImage(f"{path!r} has no video stream.")
        yield container, container.streams.video[0]


@contextmanager
def said(path: str) -> Generator[None]:
    """Context in which what PyAV says against a file is said in words."""
    module = av()
    try:
        yield
    except (module.error.FFmpegError, ValueError) as error:
        raise NotAnImage(f"{path!r} can't be read as a video: {error}.") from error
