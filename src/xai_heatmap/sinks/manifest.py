"""The list of a folder's explanations, ``manifest.json``: read once, then appended to in place.

A folder of thousands of pictures is saved one picture after the other. Writing the whole list for
each would cost more than the pictures, so that an entry of a new stem is written over the last
brackets, in one write, and the brackets behind it. Whatever is cut off in the middle of that is
found and left out by the next reader.
"""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any, BinaryIO

from xai_heatmap.core.errors import OutputError
from xai_heatmap.sinks.identity import IDENTITY
from xai_heatmap.sinks.staging import if_possible, renamed, staged

MANIFEST = "manifest.json"
VERSION = 1

HEAD = b'{\n "version": 1,\n "explanations": [\n  {'
END = b"\n  }"
"""End of an entry, which nothing inside of an entry looks like."""

TAIL = b"\n ]\n}\n"

FOLDERS = 8
"""Most folders whose lists are remembered."""

Stamp = tuple[int, int, int, int]


@dataclass
class Listed:
    """What a manifest lists, as far as a save asks for it.

    Parameters
    ----------
    stamp
        Of the file that it was read from; None where there was none.
    held
        Identity and digest of each entry, by stem.
    appendable
        Whether the file ends as this module writes it.
    """

    stamp: Stamp | None = None
    held: dict[str, tuple[str, bytes]] = field(default_factory=dict[str, tuple[str, bytes]])
    appendable: bool = False


_known: dict[Path, Listed] = {}
"""Lists of the last folders; used under the lock of `staging.alone`."""


def listed(path: Path) -> Listed:
    """The list at `path`, read where it is another one than this process left there.

    Raises
    ------
    OutputError
        If it is none of ours.
    """
    own = _known.pop(path, None)
    if own is None or own.stamp != _stamp(path):
        own = _read(path)
    _known[path] = own
    while len(_known) > FOLDERS:
        del _known[next(iter(_known))]
    return own


def add(
    path: Path,
    own: Listed,
    entry: dict[str, Any],
    tidy: contextlib.ExitStack,
    undo: contextlib.ExitStack,
    *,
    in_place: bool,
) -> None:
    """Add an entry to the list at `path`, in place of any entry of the same stem; `undo` takes it
    back. A new entry is appended if no other process may write `in_place` meanwhile.
    """
    written, stem = _in_json(entry), entry["stem"]
    digest = hashlib.sha256(written).digest()
    before = own.held.get(stem)
    if before is not None and before[1] == digest:
        return
    undo.callback(_known.pop, path, None)
    if before is None and own.appendable and in_place and _writable(path):
        undo.callback(if_possible, partial(_cut, path, path.stat().st_size))
        _append(path, written)
    else:
        kept = [one for one in _entries(path)[0] if one["stem"] != stem]
        renamed(staged({path: lambda file: _write(file, [*kept, entry])}, tidy), tidy, undo)
        own.held.pop(stem, None)
    own.held[stem] = _identity(entry), digest
    own.stamp, own.appendable = _stamp(path), True


def _append(path: Path, written: bytes) -> None:
    """Write an entry over the tail of a list, and the tail behind it."""
    with path.open("r+b", buffering=0) as file:
        file.seek(-len(TAIL), os.SEEK_END)
        left = memoryview(b",\n  " + written + TAIL)
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())


def _cut(path: Path, size: int) -> None:
    """Put a list back that was `size` bytes long before an entry was appended."""
    with path.open("r+b", buffering=0) as file:
        file.seek(size - len(TAIL))
        file.write(TAIL)
        file.truncate(size)


_scalar = json.JSONEncoder(ensure_ascii=False).encode


def _leaf(value: object) -> str:
    """JSON of a number or a text as the encoder has it, without its beginning anew for each: of
    floats, which are finite here, and of texts.
    """
    if type(value) is str:
        return encode_basestring(value)
    return float.__repr__(value) if type(value) is float else _scalar(value)


def _in_json(entry: Mapping[str, object]) -> bytes:
    """An entry as it stands inside of a list."""
    return _indented(entry, "  ").encode()


def _indented(value: object, lead: str) -> str:
    """JSON of a value on lines of their own, behind spaces, as ``json.dumps(indent=1)`` has it."""
    inner = f"\n{lead} "
    if isinstance(value, dict) and value:
        own = [f"{_leaf(name)}: {_indented(one, f'{lead} ')}" for name, one in value.items()]
        return f"{{{inner}{f',{inner}'.join(own)}\n{lead}}}"
    if isinstance(value, list) and value:
        own = [_indented(one, f"{lead} ") for one in value]
        return f"[{inner}{f',{inner}'.join(own)}\n{lead}]"
    return _leaf(value)


def _write(file: BinaryIO, entries: list[dict[str, object]]) -> None:
    said = {"version": VERSION, "explanations": entries}
    file.write(json.dumps(said, indent=1, ensure_ascii=False).encode() + b"\n")


def _identity(entry: Mapping[str, Any]) -> str:
    facts = entry.get("explanation")
    return str(facts.get(IDENTITY, "")) if isinstance(facts, dict) else ""


def _read(path: Path) -> Listed:
    """The list in a file, with digests of its entries."""
    stamp = _stamp(path)
    if stamp is None and not path.exists():
        return Listed()
    entries, as_written = _entries(path)
    held = {
        entry["stem"]: (_identity(entry), hashlib.sha256(_in_json(entry)).digest())
        for entry in entries
    }
    return Listed(stamp, held, as_written)


def _entries(path: Path) -> tuple[list[dict[str, Any]], bool]:
    """The entries of a manifest of ours, and whether it ends as this module writes it."""
    if not path.exists():
        return [], False
    if not path.is_file():
        raise OutputError(_foreign(path, "it is no regular file"))
    raw = path.read_bytes()
    try:
        found = json.loads(_whole(raw).decode())
    except (ValueError, RecursionError) as error:
        raise OutputError(_foreign(path, f"it is not JSON ({error})")) from error
    entries = found.get("explanations") if isinstance(found, dict) else None
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("stem"), str) for entry in entries
    ):
        raise OutputError(_foreign(path, "it is not a list of explanations"))
    if found.get("version") != VERSION:
        raise OutputError(_foreign(path, f"its version is {found.get('version')!r}"))
    return entries, bool(entries) and raw.startswith(HEAD) and raw.endswith(END + TAIL)


def _whole(raw: bytes) -> bytes:
    """A list without an entry that was cut off while it was appended."""
    if not raw.startswith(HEAD) or raw.endswith(END + TAIL) or (end := raw.rfind(END)) < 0:
        return raw
    return raw[:end] + END + TAIL


def _foreign(path: Path, why: str) -> str:
    return (
        f"A folder's {MANIFEST} lists explanations, version {VERSION}; in {str(path)!r} {why}. "
        "It was left alone: move it away, or choose another folder. Nothing was written."
    )


def _stamp(path: Path) -> Stamp | None:
    """What tells one file at a path, with one content, from another; None where there is none."""
    try:
        own = path.lstat()
    except OSError:
        return None
    return own.st_dev, own.st_ino, own.st_size, own.st_mtime_ns


def _writable(path: Path) -> bool:
    """Whether a file is this folder's own and may be written in place."""
    own = path.lstat()
    return stat.S_ISREG(own.st_mode) and own.st_nlink == 1 and os.access(path, os.W_OK)
