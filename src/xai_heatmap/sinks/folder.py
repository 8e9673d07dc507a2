"""An explanation in a folder: picture, arrays, an entry of its manifest; all or nothing."""

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import threading
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image
import PIL.PngImagePlugin

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import BadArray, BadOption, OutputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

MANIFEST = "manifest.json"
VERSION = 1
METADATA = "xai-heatmap"
"""The key under which a picture carries its manifest."""

LONGEST = 120
"""Bytes of a stem; with temporary names around it, every common file system takes it."""

_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_ADVICE = {
    errno.ENOSPC: "The disk is full: free some space, or choose another folder.",
    errno.EDQUOT: "Your quota is used up: free some space, or choose another folder.",
    errno.EROFS: "The file system is read-only: choose another folder.",
    errno.EACCES: "You may not write there: choose another folder, or change its permissions.",
    errno.EPERM: "You may not write there: choose another folder, or change its permissions.",
    errno.ENOTDIR: "Part of that path is a file: choose another folder.",
    errno.EEXIST: "There is a file of that name: choose another folder.",
    errno.EISDIR: "A folder stands where a file has to go: move it away.",
    errno.ENAMETOOLONG: "The path is too long: choose a shorter folder.",
}

_saving = threading.Lock()


def save(
    folder: str | os.PathLike[str],
    stem: str,
    *,
    picture: Image,
    arrays: Mapping[str, np.ndarray],
    manifest: Mapping[str, object],
) -> list[Path]:
    """Write ``<stem>.png``, ``<stem>.npz`` and an entry of the folder's ``manifest.json``.

    Everything is written under other names first and then renamed: whatever fails, the folder is
    as it was. Saving the same stem again replaces what was saved before.

    Parameters
    ----------
    folder
        Made if it does not exist.
    stem
        Any name; ``safe_stem`` says how it becomes a file's.
    picture
        Carries the manifest in its metadata.
    arrays
        By name; no objects.
    manifest
        What JSON can say, numpy's numbers included.

    Returns
    -------
    list of Path
        Picture, arrays and manifest.
    """
    folder, stem = Path(folder), safe_stem(stem)
    facts = _plain(manifest)
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise BadArray(
                f"Arrays are saved as numbers; received {name!r} of dtype {array.dtype}. "
                "Convert it, such as by `array.astype(np.float32)`."
            )
    files: dict[Path, Callable[[BinaryIO], None]] = {
        folder / f"{stem}.png": lambda file: _write_picture(file, picture, facts),
        folder / f"{stem}.npz": lambda file: _write_arrays(file, arrays),
    }
    try:
        with contextlib.ExitStack() as tidy, contextlib.ExitStack() as undo:
            _make(folder, tidy)
            tidy.enter_context(_alone(folder))
            entries = _entries(folder / MANIFEST, but=stem)
            entries.append(
                {
                    "stem": stem,
                    "picture": f"{stem}.png",
                    "arrays": f"{stem}.npz",
                    "explanation": facts,
                }
            )
            files[folder / MANIFEST] = lambda file: _write_manifest(file, entries)
            _replace(files, tidy, undo)
            undo.pop_all()
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "Choose another folder.")
        raise OutputError(
            f"{stem!r} can't be saved in {str(folder)!r}: {error.strerror or error}. {advice} "
            "Nothing was written."
        ) from error
    return list(files)


def safe_stem(name: str) -> str:
    """A file name, without ending, that is safe on every system and tells the same names apart.

    Letters of all scripts stay. Wherever something had to go, a few digits of the name's hash are
    added, so that ``a/b`` and ``a_b`` do not overwrite each other.

    >>> safe_stem("dog"), safe_stem("dogs/Æsop?")
    ('dog', 'dogs_Æsop_-a50115e0')
    """
    if not name:
        raise BadOption("A stem is at least one letter; received an empty name.")
    normal = unicodedata.normalize("NFC", name)
    safe = "".join(
        "_" if letter in '<>:"/\\|?*' or unicodedata.category(letter)[0] == "C" else letter
        for letter in normal
    )
    safe = safe.strip(" .")
    safe = f"_{safe}" if not safe or _RESERVED.fullmatch(safe) else safe
    if safe == normal and len(safe.encode()) <= LONGEST:
        return safe
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    kept = safe.encode()[: LONGEST - 9].decode(errors="ignore").rstrip(" .")
    return f"{kept}-{digest}"


def _plain(manifest: Mapping[str, object]) -> dict[str, object]:
    """The manifest as JSON will give it back."""
    try:
        return json.loads(json.dumps(dict(manifest), default=_number, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise BadOption(
            f"A manifest holds what JSON can say; {error}. Turn it into numbers and strings first."
        ) from error


def _number(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"received a {type(value).__name__}")


def _entries(path: Path, *, but: str) -> list[dict[str, object]]:
    """The entries of a manifest of ours, except one stem's."""
    if not path.exists():
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OutputError(_foreign(path, f"it is not JSON ({error})")) from error
    entries = found.get("explanations") if isinstance(found, dict) else None
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("stem"), str) for entry in entries
    ):
        raise OutputError(_foreign(path, "it is not a list of explanations"))
    if found.get("version") != VERSION:
        raise OutputError(_foreign(path, f"its version is {found.get('version')!r}"))
    return [entry for entry in entries if entry["stem"] != but]


def _foreign(path: Path, why: str) -> str:
    return (
        f"A folder's {MANIFEST} lists explanations, version {VERSION}; in {str(path)!r} {why}. "
        "It was left alone: move it away, or choose another folder. Nothing was written."
    )


def _write_picture(file: BinaryIO, picture: Image, facts: Mapping[str, object]) -> None:
    info = PIL.PngImagePlugin.PngInfo()
    info.add(b"sRGB", b"\0")
    info.add_text(METADATA, json.dumps(facts))
    PIL.Image.fromarray(picture).save(file, format="png", pnginfo=info)


def _write_arrays(file: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    """What ``np.savez_compressed`` writes, for any names and without the time of day."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def _write_manifest(file: BinaryIO, entries: list[dict[str, object]]) -> None:
    listed = {"version": VERSION, "explanations": entries}
    file.write(json.dumps(listed, indent=1, ensure_ascii=False).encode() + b"\n")


def _make(folder: Path, tidy: contextlib.ExitStack) -> None:
    """The folder and those above it; those made here go again if they stay empty."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        tidy.callback(_if_possible, path.rmdir)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def _replace(
    files: Mapping[Path, Callable[[BinaryIO], None]],
    tidy: contextlib.ExitStack,
    undo: contextlib.ExitStack,
) -> None:
    """Write each file beside its place, keep what it replaces, and only then rename all of them."""
    staged = {path: _beside(path, tidy) for path in files}
    kept = {path: _beside(path, tidy) for path in files if path.exists()}
    for path, write in files.items():
        with staged[path].open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    for path, backup in kept.items():
        shutil.copy2(path, backup)
    for path, temporary in staged.items():
        if path in kept:
            undo.callback(kept[path].replace, path)
        else:
            undo.callback(_if_possible, path.unlink)
        temporary.replace(path)


def _beside(path: Path, tidy: contextlib.ExitStack) -> Path:
    """A hidden name in the same folder, that is gone at the end."""
    temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}.tmp")
    tidy.callback(_if_possible, temporary.unlink)
    return temporary


def _if_possible(action: Callable[[], object]) -> None:
    with contextlib.suppress(OSError):
        action()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other thread, and where the system has it no other process, saves into the folder."""
    with _saving, contextlib.ExitStack() as stack:
        if fcntl is not None:
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            with contextlib.suppress(OSError):  # some network file systems know no locks
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
