"""Pictures of a manifest: a text file with a path a line, a table of text, or Parquet."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, ImageNotFound, OutputError
from xai_heatmap.sources.files import opened
from xai_heatmap.sources.listing.entry import Entry, remote

URIS = ("uri", "path", "file", "filename", "image", "url")
"""Names of the column that says where a picture lies, in the order in which these are sought."""

SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": ",", ".lst": ","}
"""Suffixes of manifests of text, with what stands between the columns of a table."""

SAYING = (
    "A manifest has a column uri, and may have label and id; a text file may have one path a line "
    "instead."
)


def in_manifest(path: str) -> Iterator[Entry]:
    """Entries of a manifest in its order; paths in it are seen from its own folder.

    Raises
    ------
    BadOption
        For other columns, or no rows at all.
    ImageNotFound
        If it can't be read.
    """
    rows = _parquet(path) if Path(path).suffix.casefold() == ".parquet" else _text(path)
    home, number = Path(path).absolute().parent, 0
    for number, row in enumerate(rows, 1):
        uri = row.get("uri")
        if not isinstance(uri, str) or not uri:
            raise BadOption(f"Row {number} of {path!r} has no uri; it holds {uri!r}. {SAYING}")
        own, label = row.get("id"), row.get("label")
        yield Entry(
            uri if own is None or own == "" else str(own),
            uri if remote(uri) else os.path.normpath(home / uri),
            None if label is None or label == "" else str(label),
        )
    if not number:
        raise BadOption(f"The manifest {path!r} has no rows. {SAYING}")


def _text(path: str) -> Iterator[Mapping[str, Any]]:
    try:
        with opened(path) as file:
            text = file.read().decode("utf-8-sig")
    except FileNotFoundError:
        raise ImageNotFound(f"There is no manifest {path!r}. Check the spelling.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ImageNotFound(f"The manifest {path!r} can't be read as text: {error}.") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return
    separator = SEPARATORS.get(Path(path).suffix.casefold(), ",")
    header = [cell.strip().casefold() for cell in next(csv.reader(lines[:1], delimiter=separator))]
    column = _column(header)
    if column is None and (len(header) > 1 and "." not in header[0]):
        raise _wrong(path, header)
    if column is None:
        yield from ({"uri": line.strip()} for line in lines)
        return
    header[header.index(column)] = "uri"
    for number, cells in enumerate(csv.reader(lines[1:], delimiter=separator), 2):
        if len(cells) != len(header):
            raise BadOption(
                f"Line {number} of {path!r} has {counted(len(cells), 'column')}, and the first has "
                f"{len(header)}: {', '.join(header)}."
            )
        yield dict(zip(header, (cell.strip() for cell in cells), strict=True))


def _parquet(path: str) -> Iterator[Mapping[str, Any]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise OutputError(
            "A manifest of Parquet needs pyarrow: pip install 'xai-heatmap[batch]'."
        ) from None
    try:
        with opened(path) as held, parquet.ParquetFile(held) as file:
            names = file.schema_arrow.names
            column = _column([name.casefold() for name in names])
            if column is None:
                raise _wrong(path, names)
            wanted = {name: name.casefold() for name in names}
            wanted = {
                name: "uri" if low == column else low
                for name, low in wanted.items()
                if low in (column, "id", "label")
            }
            for batch in file.iter_batches(columns=list(wanted)):
                for row in batch.to_pylist():
                    yield {wanted[name]: value for name, value in row.items()}
    except FileNotFoundError:
        raise ImageNotFound(f"There is no manifest {path!r}. Check the spelling.") from None
    except (OSError, ValueError) as error:
        raise ImageNotFound(
            f"The manifest {path!r} is no Parquet that can be read: {error}."
        ) from error


def _column(names: Sequence[str]) -> str | None:
    return next((name for name in URIS if name in names), None)


def _wrong(path: str, names: Sequence[str]) -> BadOption:
    return BadOption(f"The manifest {path!r} has the columns {', '.join(names)}. {SAYING}")
