"""Parts of a run: Parquet files that are written whole, synced, then given their name."""

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from xai_heatmap.core.errors import OutputError
from xai_heatmap.sinks.staging import replaced
from xai_heatmap.sinks.store.rows import REPEATED, Row, parquet, schema

ROWS = "rows"
"""Folder of the parts in that of a run."""

COUNTS = ("rows", "errors")
"""Facts of a part that stand in its footer."""


def write_part(path: Path, rows: Sequence[Row], facts: Mapping[str, str]) -> Path:
    """Write the rows of one shard; the same rows give the same bytes.

    Parameters
    ----------
    path
        Where the part goes; a part of that name is replaced.
    rows
        In their order.
    facts
        What is said of all of them, in the footer.

    Raises
    ------
    OutputError
        Where that is not possible; what stood there before stays.
    """
    arrow, _ = parquet()
    errors = sum(row.get("error") is not None for row in rows)
    counts = {"rows": str(len(rows)), "errors": str(errors)}
    table = arrow.Table.from_pylist(list(rows), schema=schema({**facts, **counts}))
    return write_table(path, table, repeated=REPEATED, plain=("map", "id", "uri"))


def write_table(
    path: Path, table: Any, *, repeated: Sequence[str] = (), plain: Sequence[str] = (),
    rows_a_group: int | None = None,
) -> Path:  # fmt: skip
    """Write a table of pyarrow: under another name first, synced, then renamed.

    Parameters
    ----------
    repeated
        Columns whose values come again and again.
    plain
        Columns that nobody filters by the range of.
    rows_a_group
        Rows that can be read without the others.

    Raises
    ------
    OutputError
        Where that is not possible.
    """
    _, files = parquet()
    told = [name for name in table.schema.names if name not in plain]

    def write(file: BinaryIO) -> None:
        files.write_table(
            table, file, compression="zstd", compression_level=9, use_dictionary=list(repeated),
            write_statistics=told, row_group_size=rows_a_group or max(len(table), 1),
        )  # fmt: skip

    return whole(path, write)


def whole(path: Path, write: Any) -> Path:
    """Write a file so that it is there whole, or not at all, whatever ends the process.

    Raises
    ------
    OutputError
        Where that is not possible.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replaced(path, write)
        _synced(path.parent)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "Free some space" if full else "Mend that"
        raise OutputError(
            f"{path.name!r} can't be written in {str(path.parent)!r}: {error.strerror or error}. "
            f"{advice}, and run the same command again: what is finished stays."
        ) from error
    return path


def _synced(folder: Path) -> None:
    """Make a rename last, where the system syncs folders."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def counts(path: Path) -> tuple[int, int]:
    """Rows of a part, and errors among them, from its footer.

    Raises
    ------
    OutputError
        For what is no part.
    """
    facts = _footer(path)
    try:
        return int(facts["rows"]), int(facts["errors"])
    except (KeyError, ValueError):
        raise OutputError(
            f"{str(path)!r} is no part of a run: its footer counts no rows. Move it away."
        ) from None


def _footer(path: Path) -> dict[str, str]:
    _, files = parquet()
    try:
        with path.open("rb") as held:
            found = files.read_schema(held).metadata or {}
    except (OSError, ValueError) as error:
        raise OutputError(
            f"The part {str(path)!r} can't be read: {error}. Move it away, and run the same "
            "command again: that shard is then done anew."
        ) from error
    return {key.decode(): value.decode() for key, value in found.items() if key != b"ARROW:schema"}


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """Rows of a part in their order, a few thousand in memory at a time."""
    _, files = parquet()
    with path.open("rb") as held, files.ParquetFile(held) as file:
        for batch in file.iter_batches(batch_size=2048, columns=list(columns) if columns else None):
            yield from batch.to_pylist()
