"""The token of a server: random, and the same again where a server is started anew at its port."""

import os
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path

LASTS = 24 * 3600.0
"""Seconds after which a token is not used again."""

LENGTH = 24
"""Random bytes of a token."""


def token_of(port: int, *, folder: Path | None = None) -> str:
    """A token that nobody can guess. A page that is open finds its server again after a crash, as
    the token of a fixed port lies in a file that the user alone may read.

    Parameters
    ----------
    port
        Of the server; 0 for any that is free, whose token is never used again.
    folder
        Where the file lies; by default the user's own state.
    """
    fresh = secrets.token_urlsafe(LENGTH)
    if not port:
        return fresh
    home = _state() if folder is None else folder
    path = home / f"token-{port}"
    with suppress(OSError, ValueError):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = _kept(path)
        if kept is not None:
            return kept
        path.unlink(missing_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w") as file:
            file.write(fresh)
    return fresh


def _state() -> Path:
    said = os.environ.get("XDG_STATE_HOME")
    return (Path(said) if said else Path.home() / ".local" / "state") / "xai-heatmap"


def _kept(path: Path) -> str | None:
    """The token of a file that nobody else could read or write, and that is not old."""
    if not path.is_file() or path.is_symlink():
        return None
    facts = path.stat()
    own = not hasattr(os, "getuid") or facts.st_uid == os.getuid()
    closed = os.name == "nt" or not stat.S_IMODE(facts.st_mode) & 0o077
    if not own or not closed or time.time() - facts.st_mtime > LASTS:
        return None
    word = path.read_text("ascii").strip()
    return word if len(word) >= LENGTH else None
