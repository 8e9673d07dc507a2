"""Run that was stored, read back: rows, tables, and explanations that draw themselves."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.core.arrays import Image
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, InputError, UnknownMethod
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.network import Layer
from xai_heatmap.core.prediction import Prediction
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.targets.classes import class_label
from xai_heatmap.core.verdict import kept
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.many import picture_of
from xai_heatmap.explaining.reporting import save_report
from xai_heatmap.runners.batch.folder import RunFolder, read_run
from xai_heatmap.runners.batch.status import Status, unfinished
from xai_heatmap.sinks.store.levels import Packed, unpacked
from xai_heatmap.sinks.store.parts import read_rows
from xai_heatmap.sinks.store.rows import Row, extent_of, parquet, schema
from xai_heatmap.sources.image import read
from xai_heatmap.sources.listing.clip import MARK, frame_entry
from xai_heatmap.sources.listing.entry import Entry


class StoredRun:
    """Run in a folder: as many explanations as there are finished rows.

    Parameters
    ----------
    folder
        Of the run.
    pictures
        Of a run over a source in memory.
    """

    def __init__(self, folder: RunFolder, pictures: Any = None) -> None:
        self.folder, self._pictures = folder, pictures

    def __len__(self) -> int:
        """Number of finished rows."""
        return self.folder.counts()[0]

    def __repr__(self) -> str:
        told = self.status
        return (
            f"<run {str(self.folder.path)!r}: {told.rows} of {counted(told.pictures, 'picture')}, "
            f"{counted(told.errors, 'error')}>"
        )

    @property
    def status(self) -> Status:
        """How far it is."""
        rows, errors = self.folder.counts()
        codes = Counter(row["error_code"] for row in self.errors()) if errors else Counter[str]()
        plan = self.folder.plan
        return Status(
            plan.pictures, rows, errors, plan.shards, len(self.folder.done()), dict(codes)
        )

    @property
    def files(self) -> list[str]:
        """Paths of the parts, for whatever reads Parquet."""
        return [str(path) for path in self.folder.parts()]

    def table(self, columns: Sequence[str] | None = None) -> Any:
        """All finished rows as a table of pyarrow, which pandas, polars and DuckDB take."""
        arrow, files = parquet()
        own = schema()
        kept = own if columns is None else arrow.schema([own.field(name) for name in columns])
        parts = [files.read_table(path, columns=kept.names) for path in self.folder.parts()]
        clean = [part.replace_schema_metadata(None) for part in parts]
        return arrow.concat_tables(clean) if clean else kept.empty_table()

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """Finished rows, in the order of the source."""
        for path in self.folder.parts():
            yield from read_rows(path, columns)

    def errors(self) -> Iterator[Row]:
        """Rows of the pictures that can't be explained."""
        for row in self.rows(("id", "uri", "error_code", "error")):
            if row["error"] is not None:
                yield row

    def __iter__(self) -> Iterator[Explanation]:
        """Explanations in the order of the source; pictures without one are left out."""
        for row in self.rows():
            if row["error"] is None:
                yield self.explanation(row)

    def __getitem__(self, which: int | str) -> Explanation:
        """Explanation of a picture, by its place among the finished rows or by its id.

        Raises
        ------
        IndexError, KeyError
            If there is none.
        InputError
            If that picture could not be explained.
        """
        return self.explanation(self._row(which))

    def _row(self, which: int | str) -> Row:
        if isinstance(which, str):
            for path in self.folder.parts():
                ids = [row["id"] for row in read_rows(path, ["id"])]
                if which in ids:
                    return list(read_rows(path))[ids.index(which)]
            raise KeyError(which)
        place = which + len(self) if which < 0 else which
        for path in self.folder.parts():
            found = list(read_rows(path))
            if 0 <= place < len(found):
                return found[place]
            place -= len(found)
        raise IndexError(which)

    def least_sure(self, most: int) -> list[Row]:
        """So many finished rows, those first whose likeliest class is the least likely."""
        rows = [row for row in self.rows() if row["error"] is None]
        rows.sort(key=lambda row: row["top_probability"][0] if row["top_probability"] else 0.0)
        return rows[:most]

    def report(self, path: str | os.PathLike[str], *, worst: int = 200) -> list[Path]:
        """Write a page that is looked at from disk: the least sure rows with their pictures.

        Parameters
        ----------
        path
            Ends in ``.html``.
        worst
            How many rows.

        Returns
        -------
        The pages: beyond 30 MB a page goes on in a second file.

        Raises
        ------
        InputError
            If a picture can't be read now.
        """
        intro = self.said_of(min(worst, len(self)))
        return save_report(Path(path), map(self.explanation, self.least_sure(worst)), intro=intro)

    def said_of(self, shown: int) -> list[str]:
        """What stands above so many rows on a page: of how many, and what is not done yet."""
        told = self.status
        of = f"{shown} of {counted(told.rows, 'row')}, the least sure first"
        are = counted(told.errors, "row has", "rows have")
        failed = f"{are} no map: {told.errors} could not be explained" if told.errors else ""
        return [of, *filter(None, [failed, unfinished(told.waiting)])]

    def explanation(self, row: Row, image: Image | None = None) -> Explanation:
        """A row as an explanation, with its picture, to be drawn; the picture is read where it is
        not given.

        The numbers are those of the row; what no row holds is empty: options, notes, the scores of
        the other classes.

        Raises
        ------
        InputError
            If the picture could not be explained, or can't be read now.
        BadOption
            For a signal, a volume or a picture of bands.
        """
        if row["error"] is not None:
            raise InputError(f"{row['id']!r} could not be explained: {row['error']}")
        if row["box"] is None or len(row["map_shape"]) != 2:
            raise BadOption(
                f"{row['id']!r} is no photograph, so its heat is not drawn from a run. Its map is "
                "run.map(row); xai_heatmap.explain(network, ...) draws it."
            )
        shown = read(self.given(row)).image if image is None else image
        classes = self.folder.facts["classes"]
        map_ = self.map(row)
        likely = zip(row["top"], row["top_probability"], strict=True)
        return Explanation(
            map=map_,
            image=shown,
            name=row["id"],
            geometry=_geometry(row),
            method=row["method"],
            layer=Layer(
                row["layer"],
                tuple(row["layer_shape"]),
                row["layer_kind"],
                Layout("channels_first", tuple(row["map_shape"])),
                extent=extent_of(row),
            ),
            target=row["target"],
            index=row["target_index"],
            score=row["score"],
            predictions=tuple(
                Prediction(
                    index,
                    row["prediction"] if not place else class_label(index, classes),
                    probability,
                    float("nan"),
                )
                for place, (index, probability) in enumerate(likely)
            ),
            verdict=kept(
                row["verdict"], row["verdict_figure"], map_, directed=_directed(row["method"])
            ),
            network=self.folder.facts["network"],
            meaning=row["meaning"],
            signed=row["signed"],
        )

    def map(self, row: Row) -> Any:
        """Map of a row, float32 (h, w)."""
        return unpacked(
            Packed(row["map"], row["map_low"], row["map_high"], row["map_shape"], row["map_type"])
        )

    def given(self, row: Row, entries: Mapping[str, Entry] | None = None) -> Any:
        """The picture of a row as `explain` takes it; with `entries`, if many lie in archives.

        Raises
        ------
        BadOption
            If the pictures were in memory, and are not given.
        ImageNotFound, NotAnImage
            If the picture can't be had.
        """
        if self._pictures is not None:
            return picture_of(self._pictures[int(row["id"])])
        if row["uri"].startswith("#"):
            raise BadOption(
                "The pictures of this run were in memory. Give them: "
                "xai_heatmap.open_run(run, pictures=data)."
            )
        if MARK in row["uri"]:
            return frame_entry(row["id"], row["uri"]).given()
        if "#" not in row["uri"]:
            return Entry(row["id"], row["uri"]).given()
        return (entries or self.entries([row]))[row["id"]].given()

    def entries(self, rows: Iterable[Row]) -> dict[str, Entry]:
        """Entries of the plan, by their ids, of rows whose pictures lie in archives."""
        wanted = {row["id"] for row in rows if "#" in row["uri"][1:] and MARK not in row["uri"]}
        found: dict[str, Entry] = {}
        for shard in range(self.folder.plan.shards) if wanted else ():
            found |= {one.id: one for one in self.folder.plan.entries(shard) if one.id in wanted}
            if len(found) == len(wanted):
                break
        return found


def open_run(path: str | os.PathLike[str], *, pictures: Any = None) -> StoredRun:
    """The run in a folder, finished or not.

    Parameters
    ----------
    path
        Folder of the run.
    pictures
        Of a run over pictures in memory.

    Raises
    ------
    OutputError
        If the folder is no run, or one of another version.
    """
    parquet()
    return StoredRun(read_run(path), pictures)


def _directed(method: str) -> bool:
    """Whether maps of a method are for or against what is explained, as far as it is known here."""
    try:
        return find_method(method).directed
    except UnknownMethod:
        return True


def _geometry(row: Row) -> Geometry:
    matrix = row["matrix"]
    return Geometry(
        tuple(row["image_size"]),
        tuple(row["box"]),
        tuple(row["input_size"]),
        None if matrix is None else tuple(matrix),
    )
