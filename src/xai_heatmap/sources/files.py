"""Files that somebody else named: opened only if they are files."""

import os
import stat
from collections import Counter
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path, PurePosixPath

from xai_heatmap.core.errors import BadOption

SUFFIXES = (
    *(".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".npy", ".png", ".pgm", ".ppm"),
    *(".tif", ".tiff", ".webp"),
)
"""Suffixes of files that are taken for pictures."""


def is_picture(name: str) -> bool:
    """Whether a file's name says that it is a picture."""
    return PurePosixPath(name).suffix.casefold() in SUFFIXES


class NotAFile(OSError):
    """Error for a name of no regular file, such as a named pipe, on which a read would wait."""


def opened(path: str | os.PathLike[str]) -> BufferedReader:
    """The file, to be read as bytes; a pipe or a device is not waited for.

    Raises
    ------
    NotAFile, IsADirectoryError
        If it is no regular file.
    OSError, ValueError
        As the builtin `open` does.
    """
    _check(os.stat(path).st_mode, path)  # noqa: PTH116 - a path is not read anew
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = open(os.open(path, flags), "rb")  # noqa: PTH123, SIM115 - the caller closes it
    try:
        _check(os.fstat(file.fileno()).st_mode, path)  # it may have been replaced meanwhile
    except OSError:
        file.close()
        raise
    return file


def check_apart(target: Path, read: Iterable[str | os.PathLike[str] | None], what: str) -> None:
    """Refuse to write over a file that is read, by whatever name it goes.

    Raises
    ------
    BadOption
        Where `target` is one of the files in `read`; `what` says what is read, and its verb.
    """
    held = [Path(path) for path in read if path is not None]
    if target.exists() and any(file.exists() and target.samefile(file) for file in held):
        other = target.with_name(f"{target.stem}-explainer{target.suffix}")
        raise BadOption(
            f"{what} read from {str(target)!r} itself, which would be written over. Choose "
            f"another name, such as {str(other)!r}."
        )


def a_folder(path: Path) -> str:
    """Why a folder is no image, and what to write for the pictures in it."""
    found = Counter(one.suffix for one in path.glob("*") if is_picture(one.name)).most_common(1)
    inside = path / f"*{found[0][0] if found else '.jpg'}"
    return (
        f"An image is one file; {str(path)!r} is a folder. Name its pictures, {inside}; "
        f"`xai-heatmap batch {path} --model MODEL --out RUN` explains all of them and goes on "
        "where it was stopped."
    )


def _check(mode: int, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{os.fspath(path)!r} is a folder")
    if not stat.S_ISREG(mode):
        raise NotAFile("it is a pipe, a socket or a device, and no regular file")
