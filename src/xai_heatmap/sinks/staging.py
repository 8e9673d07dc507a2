"""Files that are whole or not there: written under another name, then renamed, under a lock."""

import contextlib
import errno
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

Write = Callable[[BinaryIO], object]
"""A function that writes one file's content."""

STAGED = re.compile(r"\.[0-9a-f]{16}(\.\w+)?\.tmp")
"""Names that only this module gives to files."""

GROWING = re.compile(r"\.[0-9a-f]{16}(\.\w+)?\.tmp\.\w+")
"""Names that only `growing` gives to files."""

DAY = 86_400.0
"""Seconds after which a staged file is a dead process's, where the file system has no locks."""

_saving = threading.Lock()
_tidied: set[tuple[int, int]] = set()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """A block in which no other thread, and where the system has locks no other process, saves
    into `folder`; yields whether it has locks.

    Staged files of processes that were killed in the middle of a save are removed, once for each
    folder and process.
    """
    with _saving, contextlib.ExitStack() as stack:
        locked = False
        if fcntl is not None:
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            with contextlib.suppress(OSError):  # some network file systems know no locks
                fcntl.flock(handle, fcntl.LOCK_EX)
                locked = True
        _tidy(folder, older=0.0 if locked else DAY)
        yield locked


def _tidy(folder: Path, *, older: float) -> None:
    """Remove staged files of processes that are no more, once a process."""
    found = folder.stat()
    key = found.st_dev, found.st_ino
    if key in _tidied:
        return
    _tidied.add(key)
    with contextlib.suppress(OSError), os.scandir(folder) as inside:
        for entry in inside:
            if not entry.is_file(follow_symlinks=False):
                continue
            age = time.time() - entry.stat(follow_symlinks=False).st_mtime
            staged = STAGED.fullmatch(entry.name) and age >= older
            if staged or (GROWING.fullmatch(entry.name) and _nobody_writes(Path(entry.path), age)):
                if_possible(Path(entry.path).unlink)


def _nobody_writes(path: Path, age: float) -> bool:
    """Whether no process holds the lock of a file of `growing`, last written `age` seconds ago."""
    if fcntl is None:
        return age >= DAY
    with contextlib.suppress(OSError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return age >= DAY


@contextlib.contextmanager
def growing(path: Path) -> Iterator[Path]:
    """Name of a file beside `path`, of the same suffix, for a library that opens files by name.

    What is not renamed at the end is removed, and so is what dead processes left.
    """
    suffix = path.suffix
    own = path.with_name(f".{secrets.token_hex(8)}{suffix}.tmp{suffix}")
    with contextlib.ExitStack() as tidy:
        with alone(path.parent):
            file = tidy.enter_context(own.open("xb"))
            tidy.callback(if_possible, own.unlink)
            if fcntl is not None:
                with contextlib.suppress(OSError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield own


def staged(files: Mapping[Path, Write], tidy: contextlib.ExitStack) -> dict[Path, Path]:
    """Each file written beside its place, by its place; `tidy` removes what is not renamed."""
    temporary = {path: beside(path, tidy) for path in files}
    for path, write in files.items():
        with temporary[path].open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    return temporary


def replaced(path: Path, write: Write) -> None:
    """Write one file that is there whole, or not at all, in place of what stood there.

    Raises
    ------
    OSError
        If it can't be written; what stood there before stays.
    """
    with alone(path.parent), contextlib.ExitStack() as tidy:
        staged({path: write}, tidy)[path].replace(path)


def renamed(
    temporary: Mapping[Path, Path], tidy: contextlib.ExitStack, undo: contextlib.ExitStack
) -> None:
    """Staged files moved to their places; `undo` puts back what they replaced."""
    kept = {path: beside(path, tidy) for path in temporary if path.exists()}
    for path, backup in kept.items():
        _keep(path, backup)
    for path, own in temporary.items():
        if path in kept:
            undo.callback(kept[path].replace, path)
        else:
            undo.callback(if_possible, path.unlink)
        own.replace(path)


def _keep(path: Path, backup: Path) -> None:
    """The file at `path` under a second name, without a copy where the file system has links."""
    if not path.is_symlink():
        with contextlib.suppress(OSError, NotImplementedError):
            os.link(path, backup)
            return
    shutil.copy2(path, backup)


def beside(path: Path, tidy: contextlib.ExitStack) -> Path:
    """A hidden name in the same folder; `tidy` removes the file that has it."""
    temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}.tmp")
    tidy.callback(if_possible, temporary.unlink)
    return temporary


def made(folder: Path, tidy: contextlib.ExitStack) -> None:
    """The folder and those above it; `tidy` removes those made here if they stay empty."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        tidy.callback(if_possible, path.rmdir)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def if_possible(action: Callable[[], object]) -> None:
    """`action`, and nothing where the system refuses."""
    with contextlib.suppress(OSError):
        action()
