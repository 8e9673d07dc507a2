"""Where a preprocessing puts a dot of the photograph, and where its measured geometry says: 47
pipelines of torchvision, timm, transformers, Keras and by hand.

    python -m benchmarks.geometry [torchvision] [timm] [transformers] [keras] [hand]

A grey photograph with a bright dot goes through the pipeline, and so does the same without it; what
differs is where the dot lies on the input. The distance to where the geometry puts the dot's centre
is in pixels of the input. Packages that are not installed are left out, and said.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.pipelines import GROUPS
from xai_heatmap.core.geometry import Geometry, Size
from xai_heatmap.sources.transforms import Transform

ALLOWED = 1.0
"""Pixels of the input."""

SIZES: tuple[Size, ...] = ((240, 320), (331, 203))
"""Rows and columns of the photographs."""

PLACES = (0.5, 0.5), (0.3, 0.62), (0.71, 0.37), (0.42, 0.28)
"""Of the dots, as shares of rows and columns."""

GREY, BRIGHT = 90, 250


@dataclass(frozen=True)
class Row:
    """What was found of one pipeline on photographs of one size: the largest distance of all dots
    that it shows whole, how many these are, and why there is none.
    """

    group: str
    name: str
    size: Size
    distance: float
    dots: int
    refused: str = ""


def rows(groups: list[str]) -> Iterator[Row | str]:
    """A row for each pipeline and size; a sentence for a package that is not there."""
    for group in groups:
        try:
            pipelines = GROUPS[group]()
        except ImportError as problem:
            yield f"{group} is left out: {problem}"
            continue
        for name, own in pipelines.items():
            for size in SIZES:
                yield measured(group, name, own, size)


def measured(group: str, name: str, own: Any, size: Size) -> Row:
    """One pipeline on photographs of one size."""
    transform = Transform(own, 3)
    flat = np.full((*size, 3), GREY, np.uint8)
    try:
        geometry = transform.measured(size).geometry
    except Exception as problem:  # noqa: BLE001 - whatever it says is the row
        return Row(group, name, size, np.inf, 0, str(problem).splitlines()[0][:120])
    if geometry is None:
        return Row(group, name, size, np.inf, 0, "no plane fits")
    radius = 3 / min(_scale(geometry))
    found = [_distance(transform, flat, geometry, at, radius) for at in PLACES]
    seen = [one for one in found if one is not None]
    return Row(group, name, size, max(seen, default=np.inf), len(seen))


def _distance(
    see: Callable[[np.ndarray], np.ndarray],
    flat: np.ndarray,
    geometry: Geometry,
    at: tuple[float, float],
    radius: float,
) -> float | None:
    """How far the dot lies from where it is said to; None for one that is not seen whole."""
    y, x = (share * length for share, length in zip(at, flat.shape[:2], strict=True))
    u, v = geometry.to_input(x, y)
    height, width = geometry.input_size
    reach = radius * max(_scale(geometry)) + 2
    if not (reach <= u <= width - reach and reach <= v <= height - reach):
        return None
    rows_, columns = np.mgrid[0 : flat.shape[0], 0 : flat.shape[1]] + 0.5
    dot = np.clip(radius - np.hypot(rows_ - y, columns - x) + 0.5, 0, 1)[..., None]
    picture = np.rint(flat + dot * (BRIGHT - GREY)).astype(np.uint8)
    moved = np.abs(see(picture).astype(np.float64) - see(flat)).sum(axis=0)
    moved[moved < 0.1 * moved.max()] = 0
    down, along = np.mgrid[0:height, 0:width] + 0.5
    found = [(moved * own).sum() / moved.sum() for own in (along, down)]
    return float(np.hypot(found[0] - u, found[1] - v))


def _scale(geometry: Geometry) -> tuple[float, float]:
    """Input pixels for one of the photograph, along two directions."""
    (x, y), (a, b), (c, d) = (geometry.to_input(*at) for at in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)))
    return float(np.hypot(a - x, b - y)), float(np.hypot(c - x, d - y))


def main(groups: list[str]) -> int:
    """A row for each; the exit status says whether all are within what is allowed."""
    far = 0
    counted: set[tuple[str, str]] = set()
    for row in rows(groups or list(GROUPS)):
        if isinstance(row, str):
            print(row)
            continue
        counted.add((row.group, row.name))
        far += not row.distance <= ALLOWED
        size = "x".join(map(str, row.size))
        said = row.refused or f"{row.distance:.2f} px, {row.dots} dots"
        print(f"| {row.group} | {row.name} | {size} | {said} |", flush=True)
    print(f"{len(counted)} pipelines, {far} rows beyond {ALLOWED:g} pixel of the input")
    return int(far > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
