"""An explanation in a folder: picture, arrays, an entry of its manifest; all or nothing."""

import contextlib
import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import BadArray, BadOption, OutputError
from xai_heatmap.core.plain import plain
from xai_heatmap.sinks.identity import IDENTITY, METADATA, free, identity_in
from xai_heatmap.sinks.manifest import MANIFEST, Listed, add, listed
from xai_heatmap.sinks.png import said, write_png
from xai_heatmap.sinks.refused import advice, reason
from xai_heatmap.sinks.staging import alone, made, renamed, staged

LONGEST = 120
"""Bytes of a stem; with temporary names around it, every common file system takes it."""

_SAFE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_. ()+,-]*[A-Za-z0-9_()+,-])?")
"""Names that stay as they are; most do, and letter by letter they take longer to be looked at."""

_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def save(
    folder: str | os.PathLike[str],
    stem: str,
    *,
    picture: Image,
    arrays: Mapping[str, np.ndarray],
    manifest: Mapping[str, object],
    identity: str = "",
) -> list[Path]:
    """Write ``<stem>.png``, ``<stem>.npz`` and an entry of the folder's ``manifest.json``.

    Everything is written under other names first and then renamed: whatever fails, the folder is
    as it was. The entry holds the digests of picture and arrays, so that a process that is killed
    between two renames leaves nothing that could be taken for one result.

    Parameters
    ----------
    folder
        Made if it does not exist.
    stem
        Any name; ``safe_stem`` says how it becomes a file's.
    picture
        uint8 RGB (H, W, 3); carries the manifest in its metadata.
    arrays
        By name; no objects.
    manifest
        What JSON can say, numpy's numbers included; what is not finite is written as null.
    identity
        Of the result. What is saved under that stem is replaced only by the same result; another
        one gets a number: ``<stem>-2``. Without an identity the stem says which result it is.

    Returns
    -------
    list of Path
        Picture, arrays and manifest.

    Raises
    ------
    OutputError
        Where files can't be written.
    BadOption, BadArray
        For names, facts and arrays that no file can hold.
    """
    folder, stem = _folder(folder), safe_stem(stem)
    facts = _plain(manifest) | ({IDENTITY: identity} if identity else {})
    _check(picture, arrays)
    try:
        with contextlib.ExitStack() as tidy, contextlib.ExitStack() as undo:
            made(folder, tidy)
            locked = tidy.enter_context(alone(folder))
            known = listed(folder / MANIFEST)
            stem = _free(folder, stem, known, identity) if identity else stem
            temporary = _staged_files(folder / stem, picture, arrays, facts, tidy)
            entry = _entry(stem, temporary, facts)
            renamed(temporary, tidy, undo)
            add(folder / MANIFEST, known, entry, tidy, undo, in_place=locked)
            undo.pop_all()
    except OSError as error:
        raise OutputError(
            f"{stem!r} can't be saved in {str(folder)!r}: {reason(error)}. {advice(error)} "
            "Nothing was written."
        ) from error
    return [*temporary, folder / MANIFEST]


def _staged_files(
    base: Path,
    picture: Image,
    arrays: Mapping[str, np.ndarray],
    facts: Mapping[str, object],
    tidy: contextlib.ExitStack,
) -> dict[Path, Path]:
    """Picture and arrays under temporary names, by the names that they will have."""
    shown, numbers = base.with_name(f"{base.name}.png"), base.with_name(f"{base.name}.npz")
    return staged(
        {
            shown: lambda file: _write_picture(file, picture, facts),
            numbers: lambda file: _write_arrays(file, arrays),
        },
        tidy,
    )


def _entry(
    stem: str, temporary: Mapping[Path, Path], facts: Mapping[str, object]
) -> dict[str, object]:
    """Entry of the manifest for the files that are staged."""
    shown, numbers = temporary
    return {
        "stem": stem,
        "picture": shown.name,
        "arrays": numbers.name,
        "sha256": {path.name: _digest(own) for path, own in temporary.items()},
        "explanation": facts,
    }


def _folder(given: Any) -> Path:
    """The folder as a path."""
    try:
        folder = Path(os.fsdecode(given)) if isinstance(given, bytes) else Path(given)
    except TypeError as error:
        raise BadOption(
            f'A folder is a name or a path, such as "out/"; received {given!r}.'
        ) from error
    if "\0" in str(folder):
        raise BadOption(f"No file's name holds a null character; received {str(folder)!r}.")
    return folder


def _check(picture: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Check that files can hold the picture and the arrays, before anything is written."""
    pixels = np.asanyarray(picture)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise BadArray(
            "A picture is uint8 RGB of shape (H, W, 3); received "
            f"{pixels.dtype} of shape {pixels.shape}. overlay() makes one."
        )
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise BadArray(
                f"Arrays are saved as numbers; received {name!r} of dtype {array.dtype}. "
                "Convert it, such as by `array.astype(np.float32)`."
            )


def _free(folder: Path, stem: str, known: Listed, identity: str) -> str:
    """The stem under which the result is saved: numbered where another result has it."""

    def held(name: str) -> str | None:
        if name in known.held:
            return known.held[name][0]
        in_picture = identity_in(folder / f"{name}.png")  # of a save that was killed, or a copy
        return "" if in_picture is None and (folder / f"{name}.npz").exists() else in_picture

    return free(stem, held, identity)


def safe_stem(name: str) -> str:
    """A file name, without ending, that is safe on every system and tells the same names apart.

    Letters of all scripts stay. Wherever something had to go, a few digits of the name's hash are
    added, so that ``a/b`` and ``a_b`` do not overwrite each other.

    >>> safe_stem("dog"), safe_stem("dogs/Æsop?")
    ('dog', 'dogs_Æsop_-a50115e0')
    """
    if not isinstance(name, str):
        raise BadOption(f"A stem is a name, such as 'dog'; received {name!r}.")
    if not name:
        raise BadOption("A stem is at least one letter; received an empty name.")
    if _SAFE.fullmatch(name) and len(name) <= LONGEST and not _RESERVED.fullmatch(name):
        return name
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
        return plain(manifest)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadOption(
            f"A manifest holds what JSON can say; {error}. Turn it into numbers and strings first."
        ) from error


def _write_picture(file: BinaryIO, picture: Image, facts: Mapping[str, object]) -> None:
    write_png(file, picture, [(b"sRGB", b"\0"), said(METADATA, json.dumps(facts))])


def _write_arrays(file: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as ``np.savez_compressed`` does, for any names and without the time of day."""
    import zipfile  # with what it reads of other archives

    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
