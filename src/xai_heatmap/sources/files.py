"""Files that somebody else named: opened only if they are files."""

import os
import stat
from io import BufferedReader
from pathlib import Path


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
    _check(Path(path).stat().st_mode, path)
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = open(os.open(path, flags), "rb")  # noqa: PTH123, SIM115 - the caller closes it
    try:
        _check(os.fstat(file.fileno()).st_mode, path)  # it may have been replaced meanwhile
    except OSError:
        file.close()
        raise
    return file


def _check(mode: int, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{os.fspath(path)!r} is a folder")
    if not stat.S_ISREG(mode):
        raise NotAFile("it is a pipe, a socket or a device, and no regular file")
