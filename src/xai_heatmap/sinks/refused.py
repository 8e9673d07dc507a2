"""What to do where the system refuses a file: the same words for every kind of result."""

import errno
import os
from pathlib import Path

from xai_heatmap.core.errors import OutputError

_ADVICE = {
    errno.ENOSPC: "The disk is full: free some space, or choose another folder.",
    errno.EDQUOT: "Your quota is used up: free some space, or choose another folder.",
    errno.EFBIG: "No file may be that large there: raise the limit, or choose another folder.",
    errno.EROFS: "The file system is read-only: choose another folder.",
    errno.EACCES: "You may not write there: choose another folder, or change its permissions.",
    errno.EPERM: "You may not write there: choose another folder, or change its permissions.",
    errno.ENOTDIR: "Part of that path is a file: choose another folder.",
    errno.EEXIST: "There is a file of that name: choose another folder.",
    errno.EISDIR: "A folder stands where a file has to go: move it away.",
    errno.ENAMETOOLONG: "The path is too long: choose a shorter folder.",
}


def advice(error: OSError) -> str:
    """A sentence on what to do about a refusal of the system."""
    return _ADVICE.get(error.errno or 0, "Choose another folder.")


def reason(error: OSError) -> str:
    """The system's own words for its refusal."""
    return str(error.strerror or error)


def check_folder(folder: Path) -> None:
    """Refuse a folder that can't be made or written to, before the work.

    Raises
    ------
    OutputError
        That says why.
    """
    near = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not near.is_dir():
        raise OutputError(
            f"Results go to a folder; {str(near)!r} is a file. Choose another with --out."
        )
    if not os.access(near, os.W_OK):
        raise OutputError(
            f"Results were to go to {str(folder)!r}, but you may not write to {str(near)!r}. "
            "Choose another folder with --out, or change its permissions."
        )
