"""Plan of a run: every picture of the source, in shards of a fixed size."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from xai_heatmap.core.errors import BadOption, OutputError
from xai_heatmap.core.plain import whole_text
from xai_heatmap.sinks.store.parts import whole
from xai_heatmap.sinks.store.rows import parquet
from xai_heatmap.sources.listing.entry import Entry

NAME = "plan.parquet"
"""File of the plan in the folder of a run."""


@dataclass(frozen=True)
class Plan:
    """Plan that was written: shard k has the rows from k · shard on.

    Parameters
    ----------
    path
        Where it lies.
    pictures, shard
        How many there are, and how many a shard has.
    """

    path: Path
    pictures: int
    shard: int

    @property
    def shards(self) -> int:
        """Number of shards."""
        return -(-self.pictures // self.shard)

    def size(self, shard: int) -> int:
        """Number of pictures of a shard."""
        return min(self.shard, self.pictures - shard * self.shard)

    def entries(self, shard: int) -> list[Entry]:
        """Pictures of a shard, in their order.

        Raises
        ------
        OutputError
            If the plan can't be read.
        """
        _, files = parquet()
        try:
            with self.path.open("rb") as held, files.ParquetFile(held) as file:
                return [Entry(**row) for row in file.read_row_group(shard).to_pylist()]
        except (OSError, ValueError, TypeError) as error:
            raise OutputError(
                f"The plan {str(self.path)!r} can't be read: {error}. Choose another --out."
            ) from error


def write_plan(path: Path, entries: Iterable[Entry], *, shard: int) -> tuple[Plan, str]:
    """Write the plan of a run, a shard in memory at a time; answers the plan and its digest.

    Raises
    ------
    BadOption
        If two pictures have one id.
    InputError, OutputError
        As listing and writing do.
    """
    arrow, files = parquet()
    kinds = {"offset": arrow.int64(), "size": arrow.int64()}
    own = arrow.schema([(one.name, kinds.get(one.name, arrow.string())) for one in fields(Entry)])
    told, digest, known = _Count(), hashlib.sha256(), array("Q")

    def write(file: BinaryIO) -> None:
        with files.ParquetWriter(file, own, compression="zstd") as writer:
            for portion in _portions(entries, shard):
                for entry in portion:
                    digest.update(repr(entry).encode("utf-8", "surrogatepass"))
                    known.append(_short(entry.id))
                writer.write_table(
                    arrow.Table.from_pylist([asdict(one) for one in portion], schema=own),
                    row_group_size=shard,
                )
                told.pictures += len(portion)
        file.flush()
        with open(file.name, "rb") as held:  # noqa: PTH123 - its name may be no Unicode
            _check_unique(known, files.ParquetFile(held))

    whole(path, write)
    return Plan(path, told.pictures, shard), digest.hexdigest()


@dataclass
class _Count:
    pictures: int = 0


def _portions(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    portion: list[Entry] = []
    for entry in entries:
        portion.append(Entry(**{n: _text(value) for n, value in vars(entry).items()}))
        if len(portion) == size:
            yield portion
            portion = []
    if portion:
        yield portion


def _text(value: Any) -> Any:
    return whole_text(value) if isinstance(value, str) else value


def _short(name: str) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _check_unique(known: Sequence[int], plan: Any) -> None:
    """Refuse two pictures of one id; eight bytes of each id are in memory."""
    values, times = np.unique(np.array(known, np.uint64), return_counts=True)
    doubted = set(values[times > 1].tolist())
    if not doubted:
        return
    seen: dict[str, str] = {}
    for batch in plan.iter_batches(columns=["id", "uri"]):
        for row in batch.to_pylist():
            if _short(row["id"]) not in doubted:
                continue
            if row["id"] in seen:
                raise BadOption(
                    f"Two pictures have the id {row['id']!r}: {seen[row['id']]!r} and "
                    f"{row['uri']!r}. An id is one picture's own: give a manifest with a column "
                    "id, or leave one of the two out."
                )
            seen[row["id"]] = row["uri"]
