"""Pictures of a folder and of all folders in it, of a pattern, and of addresses."""

import glob
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import ImageNotFound
from xai_heatmap.sources.files import SUFFIXES, is_picture
from xai_heatmap.sources.listing.entry import Entry, absolute, filesystems

ARCHIVES = (".tar",)
"""Suffixes of archives whose members are pictures."""


def in_folder(folder: str) -> Iterator[Entry]:
    """Entries of all pictures below a folder, sorted by path; hidden files are left out.

    Raises
    ------
    ImageNotFound
        If there is none.
    """
    root, found, others = absolute(folder), 0, 0
    for path in _walked(root):
        if is_picture(path):
            found += 1
            yield Entry(Path(path).relative_to(root).as_posix(), path)
        else:
            others += 1
    if not found:
        beside = (
            f"; {counted(others, 'other file does', 'other files do')}"
            if others
            else ", it is empty"
        )
        raise ImageNotFound(
            f"No picture lies in the folder {folder!r} or below{beside}. Pictures end in "
            f"{', '.join(SUFFIXES)}; a manifest or archive is named itself, not its folder."
        )


def archives_in(folder: str) -> list[str]:
    """Archives below a folder that holds nothing else that is visible."""
    paths = list(_walked(absolute(folder)))
    own = [path for path in paths if Path(path).suffix.casefold() in ARCHIVES]
    return own if len(own) == len(paths) else []


def _walked(folder: str) -> Iterator[str]:
    """Files below a folder in the order of their names; links to folders are not followed."""
    try:
        with os.scandir(folder) as inside:
            entries = sorted(inside, key=lambda entry: entry.name)
    except OSError as error:
        raise ImageNotFound(
            f"The folder {folder!r} can't be listed: {error.strerror or error}. Check its "
            "permissions."
        ) from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walked(entry.path)
        else:
            yield entry.path


def matching(pattern: str) -> list[str]:
    """Absolute paths that a pattern such as ``**/*.jpg`` stands for, sorted.

    Raises
    ------
    ImageNotFound
        If there is none.
    """
    found = sorted(path for path in glob.iglob(pattern, recursive=True) if Path(path).is_file())  # noqa: PTH207 - an absolute pattern too
    if not found:
        raise ImageNotFound(
            f"The pattern {pattern!r} fits no file. Put it in quotes, so that the shell leaves it."
        )
    return [absolute(path) for path in found]


def at_address(address: str) -> Iterator[Entry]:
    """Entries of all pictures below an address such as ``s3://bucket/folder``.

    Raises
    ------
    ImageNotFound
        If there is none, or it can't be listed.
    """
    try:
        system, root = filesystems().core.url_to_fs(address)
        paths = sorted(path for path in system.find(root) if is_picture(path))
    except ImageNotFound:
        raise
    except Exception as error:
        raise ImageNotFound(
            f"{address!r} can't be listed: {type(error).__name__}: {error}."
        ) from error
    if not paths:
        raise ImageNotFound(f"No picture lies at {address!r} or below.")
    for path in paths:
        own = PurePosixPath(path)
        inside = own.relative_to(root) if own.is_relative_to(root) and path != root else own
        yield Entry(inside.as_posix(), system.unstrip_protocol(path))
