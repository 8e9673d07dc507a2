"""Regions that the user has: a box or a mask of each picture, and how much heat lies in them."""

import csv
import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xai_heatmap.core.errors import BadOption, InputError
from xai_heatmap.runners.batch.stored import StoredRun
from xai_heatmap.runners.findings.choosing import COLUMNS, Chosen
from xai_heatmap.runners.findings.pieces import heat_of
from xai_heatmap.sinks.store.rows import Row, parquet
from xai_heatmap.sources.files import opened
from xai_heatmap.sources.image import read

BOX = ("left", "top", "right", "bottom")

SHOWN = 12
"""Pictures with the least heat inside that are listed."""

FORMS = (
    "Regions are a .csv or .parquet with the column id and either left, top, right, bottom in "
    "pixels of the picture, or mask, the path of a picture that is white where the object is."
)


@dataclass(frozen=True)
class Inside:
    """Heat of one class inside its pictures' regions.

    Parameters
    ----------
    name
        The class.
    pictures
        How many have a region and heat.
    heat, area
        Mean share of the heat inside, and of what the network saw that the region covers.
    outside
        Pictures whose regions hold less heat than they would of heat that is the same everywhere.
    """

    name: str
    pictures: int
    heat: float
    area: float
    outside: int


@dataclass(frozen=True)
class Outside:
    """One picture with most of its heat outside of its region."""

    id: str
    prediction: str
    heat: float
    area: float


def regions_in(path: str | os.PathLike[str]) -> dict[str, Row]:
    """Rows of a table of regions by their ids.

    Raises
    ------
    BadOption
        For a file that is missing or has other columns.
    """
    place = Path(path)
    try:
        rows = list(_rows(place))
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise BadOption(f"The regions {str(place)!r} can't be read: {error}. {FORMS}") from error
    if not rows:
        raise BadOption(f"The regions {str(place)!r} hold no row. {FORMS}")
    columns = set(rows[0])
    if "id" not in columns or not (set(BOX) <= columns or "mask" in columns):
        raise BadOption(
            f"The regions {str(place)!r} have the columns {', '.join(map(str, rows[0]))}. {FORMS}"
        )
    for row in rows:
        if row.get("mask"):
            row["mask"] = str(place.parent / str(row["mask"]))
    return {str(row["id"]): row for row in rows}


def _rows(path: Path) -> Iterator[Row]:
    if path.suffix.casefold() == ".parquet":
        _, files = parquet()
        with opened(path) as held:
            yield from files.read_table(held).to_pylist()
        return
    with opened(path) as held:
        text = held.read().decode("utf-8-sig")
    yield from csv.DictReader(io.StringIO(text, newline=""))


def inside(
    run: StoredRun, found: Chosen, regions: Mapping[str, Row]
) -> tuple[list[Inside], list[Outside]]:
    """Heat of each class inside the regions, the least first; and the pictures with the least.

    Raises
    ------
    BadOption
        If no picture of the run has a region, or one can't be read.
    """
    shares: dict[int, list[tuple[float, float]]] = {}
    least: list[Outside] = []
    for row in run.rows(COLUMNS):
        region = regions.get(row["id"])
        if region is None or row["error"] is not None or not row["top"] or row["box"] is None:
            continue
        heat = heat_of(run.map(row))
        if not heat.any():
            continue
        cover = _cover(region, row, (heat.shape[0], heat.shape[1]))
        own, area = float((heat * cover).sum()), float(cover.mean())
        shares.setdefault(row["top"][0], []).append((own, area))
        if own < area:
            least.append(Outside(row["id"], found.name(row["top"][0]), own, area))
            least = sorted(least, key=lambda one: (one.heat, one.id))[:SHOWN]
    if not shares:
        raise BadOption(
            "No picture of the run has a region: none of their ids is in the run. Ids are those of "
            f"its rows, such as {next(run.rows(['id']), {'id': 'none'})['id']!r}."
        )
    made = [
        Inside(
            found.name(index), len(own), float(np.mean([heat for heat, _ in own])),
            float(np.mean([area for _, area in own])), sum(heat < area for heat, area in own),
        )
        for index, own in shares.items()
    ]  # fmt: skip
    return sorted(made, key=lambda one: (one.heat - one.area, one.name)), least


def _cover(region: Row, row: Row, grid: tuple[int, int]) -> np.ndarray:
    """Share of each place of the grid that the region covers."""
    left, top, right, bottom = row["box"]
    if row["matrix"] is not None:
        raise BadOption(
            "Pictures of this run are flipped or turned on their way in, and regions lie on the "
            "picture. Make a run without that, or leave --regions out."
        )
    if region.get("mask"):
        mask = _mask(region["mask"], row)
        return _mean_over(mask, (left, top, right, bottom), grid)
    try:
        own = [float(region[name]) for name in BOX]
    except (TypeError, ValueError) as error:
        raise BadOption(
            f"The region of {row['id']!r} is no box of four numbers. {FORMS}"
        ) from error
    if not (own[0] < own[2] and own[1] < own[3]):
        raise BadOption(
            f"The region of {row['id']!r} is empty: left {own[0]:g} to right {own[2]:g}, top "
            f"{own[1]:g} to bottom {own[3]:g}. Leave it out, or say where the object is. {FORMS}"
        )
    rows = _overlaps(own[1], own[3], np.linspace(top, bottom, grid[0] + 1))
    columns = _overlaps(own[0], own[2], np.linspace(left, right, grid[1] + 1))
    return rows[:, None] * columns[None]


def _overlaps(start: float, stop: float, edges: np.ndarray) -> np.ndarray:
    """Share of each stretch between two edges that lies between start and stop."""
    covered = np.minimum(edges[1:], stop) - np.maximum(edges[:-1], start)
    return np.clip(covered / np.diff(edges), 0, 1)


def _mask(path: Any, row: Row) -> np.ndarray:
    try:
        found = read(Path(path)).image
    except InputError as error:
        raise BadOption(f"The mask of {row['id']!r} can't be read: {error}") from error
    if list(found.shape[:2]) != list(row["image_size"]):
        raise BadOption(
            f"The mask of {row['id']!r} is {found.shape[0]}x{found.shape[1]}, and its picture "
            f"{row['image_size'][0]}x{row['image_size'][1]}. Give masks of the pictures' size."
        )
    return found.mean(axis=2) > 127


def _mean_over(
    mask: np.ndarray, box: tuple[float, float, float, float], grid: tuple[int, int]
) -> np.ndarray:
    """Mean of the mask over each place of the grid; what is beyond the picture is 0."""
    left, top, right, bottom = box
    down = _weights(np.linspace(top, bottom, grid[0] + 1), mask.shape[0])
    across = _weights(np.linspace(left, right, grid[1] + 1), mask.shape[1])
    return down @ mask.astype(float) @ across.T


def _weights(edges: np.ndarray, pixels: int) -> np.ndarray:
    starts = np.arange(pixels)
    lengths = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    return np.clip(lengths, 0, 1) / np.diff(edges)[:, None]
