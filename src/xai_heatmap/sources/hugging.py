"""Data sets of Hugging Face, opened by name or from a folder: rows, splits and columns."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from xai_heatmap.core.errors import BadOption, ImageNotFound, NotAnImage

SIGN = "hf:"
"""What the name of a data set begins with, as a model of Hugging Face does."""

SAVED = ("dataset_dict.json", "state.json")
"""Files that say that a folder was written by ``save_to_disk``: several splits, or one."""

PICTURES = ("image", "pixel_values", "img", "picture")
"""Names of the column of pictures, where no column says that it holds pictures."""

LABELS = ("label", "labels", "fine_label", "class")
"""Names of the column of labels, where no column says that it holds classes."""

ASKED = ("split", "config", "column")
"""What may stand behind the name: ``hf:beans?split=test``."""

KEPT = 8
"""Splits that a process has open."""


def is_saved(folder: str) -> bool:
    """Whether a folder was written by ``save_to_disk`` of a data set."""
    return any((Path(folder) / name).is_file() for name in SAVED)


def row_given(uri: str) -> bytes | str:
    """Picture of a row that was listed, as the bytes of its file, or its path or address.

    Raises
    ------
    ImageNotFound, NotAnImage
        If it can't be had.
    """
    head, _, place = uri.rpartition("#")
    name, asked = read_name(head)
    part = part_of(name, asked["split"], asked.get("config"), asked.get("column"))
    try:
        found = part.rows[int(place)][part.picture]
    except (IndexError, KeyError):
        raise ImageNotFound(f"The data set {head!r} has no row {place} any more.") from None
    except Exception as error:
        raise NotAnImage(f"Row {place} of {head!r} can't be read: {error}.") from error
    if not isinstance(found, Mapping):
        raise NotAnImage(f"Row {place} of {head!r} holds no picture: {type(found).__name__}.")
    data, path = found.get("bytes"), found.get("path")
    if data is not None:
        return bytes(data)
    if not path:
        raise NotAnImage(f"Row {place} of {head!r} holds no picture: it is empty.")
    return str(path)


class Part:
    """A split that is open: its rows, of which pictures are not decoded, and its columns."""

    def __init__(self, rows: Any, column: str | None, said: str) -> None:
        kinds = {name: type(kind).__name__ for name, kind in rows.features.items()}
        self.picture = _column(kinds, column, "Image", PICTURES, said)
        self.label = next((n for n in (*LABELS, *kinds) if kinds.get(n) == "ClassLabel"), None)
        self.label = self.label or next((n for n in LABELS if n in kinds), None)
        for name in (name for name, kind in kinds.items() if kind == "Image"):
            rows = rows.cast_column(name, type(rows.features[name])(decode=False))
        self.rows = rows

    def labels(self) -> Iterator[str | None]:
        """Label of every row, by its name."""
        if self.label is None:
            yield from (None for _ in range(len(self.rows)))
            return
        kind = self.rows.features[self.label]
        names = getattr(kind, "names", None)
        for one in self.rows[self.label]:
            known = names is not None and isinstance(one, int) and 0 <= one < len(names)
            yield str(names[one]) if known and names else None if one is None else str(one)


def _column(
    kinds: Mapping[str, str], wanted: str | None, kind: str, names: tuple[str, ...], said: str
) -> str:
    if wanted is not None and wanted in kinds:
        return wanted
    of_kind = [name for name in kinds if kinds[name] == kind]
    found = next((n for n in (*names, *of_kind) if n in of_kind), None)
    found = found or next((name for name in names if name in kinds), None)
    if wanted is None and found is not None:
        return found
    raise BadOption(
        f"{said} has no column {repr(wanted) if wanted else 'of pictures'}; there are "
        f"{', '.join(kinds)}. Say which one holds the pictures: {SIGN}NAME?column=..."
    )


def read_name(source: str) -> tuple[str, dict[str, str]]:
    """Name or folder of a data set, and what is asked of it.

    Raises
    ------
    BadOption
        For any other question behind the name.
    """
    name, _, question = source.partition("?")
    asked = dict(parse_qsl(question))
    odd = sorted(set(asked) - set(ASKED))
    if odd or (question and not asked):
        raise BadOption(
            f"Behind the name of a data set stand {', '.join(ASKED)}; received {question!r}. Write "
            f"{SIGN}NAME?split=test"
        )
    return unquote(name.removeprefix(SIGN)), asked


def _package() -> Any:
    try:
        import datasets
    except ImportError:
        raise ImageNotFound(
            "Data sets of Hugging Face need the package datasets: pip install datasets. A folder, "
            "a manifest or an archive needs none."
        ) from None
    return datasets


def _loaded(name: str, config: str | None, split: str | None) -> Any:
    """What the package answers for a name or a folder: one split, or all by name."""
    package = _package()
    try:
        if is_saved(name):
            return package.load_from_disk(name)
        return package.load_dataset(name, config, split=split)
    except Exception as error:
        said = " ".join(str(error).split())
        raise ImageNotFound(
            f"The data set {name!r} can't be had: {type(error).__name__}: "
            f"{re.sub(r'[.]+$', '', said)}. Give a name that is on the Hub or in the cache, or a "
            "folder."
        ) from error


def splits_of(name: str, config: str | None) -> list[str]:
    """Names of the splits of a data set; ``all`` of a folder that holds one without a name.

    Raises
    ------
    ImageNotFound
        If the data set can't be had.
    """
    found = _loaded(name, config, None)
    return [str(split) for split in found] if isinstance(found, Mapping) else ["all"]


@lru_cache(KEPT)
def part_of(name: str, split: str, config: str | None, column: str | None) -> Part:
    """A split of a data set, which stays open for the rows that are asked of it next.

    Raises
    ------
    BadOption
        Without a column of pictures.
    ImageNotFound
        If there is no such split, or it can't be had.
    """
    found = _loaded(name, config, None if is_saved(name) else split)
    if isinstance(found, Mapping):
        if split not in found:
            raise ImageNotFound(
                f"The data set {name!r} has no split {split!r}; there are {', '.join(found)}."
            )
        found = found[split]
    return Part(found, column, f"The data set {name!r}")
