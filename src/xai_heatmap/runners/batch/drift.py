"""Drift between two runs over the same pictures: which classes' heat moved, beyond its noise."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.errors import BadOption
from xai_heatmap.runners.batch.stored import StoredRun, open_run
from xai_heatmap.sinks.store.rows import Row

COLUMNS = (
    *("id", "label", "prediction", "error"),
    *("map", "map_type", "map_low", "map_high", "map_shape"),
)

LEAST = 5
"""Pictures of a class below which nothing is said of it."""

LEVEL = 0.05
"""Share of runs without drift in which any class at all is called moved, at most."""


@dataclass(frozen=True)
class ClassDrift:
    """Drift of one class.

    Parameters
    ----------
    name
        The class: the label of the pictures where they have one, else what the first run predicts.
    pictures, changed
        How many there are, and of how many the prediction is another.
    shift
        Share of the heat that lies elsewhere, in [0, 1]: the mean over the pictures.
    noise
        The same between the first run and the run that shows its noise; 0 without one.
    low, high
        Bounds of shift - noise, which hold for all classes together in 95 % of runs.
    moved
        Whether the heat moved by more than is tolerated: `low` is above that. None of a class with
        too few pictures.
    """

    name: str
    pictures: int
    changed: int
    shift: float
    noise: float
    low: float
    high: float
    moved: bool | None


@dataclass(frozen=True)
class Drift:
    """Drift between two runs.

    Parameters
    ----------
    classes
        What moved first, then by how much.
    pictures, left_out
        How many were compared, and how many one of the runs can't explain.
    tolerated
        Shift beyond the noise that counts as none.
    waiting
        Pictures of a run that are not done yet.
    """

    classes: tuple[ClassDrift, ...]
    pictures: int
    left_out: int
    tolerated: float
    waiting: int = 0

    @property
    def moved(self) -> tuple[ClassDrift, ...]:
        """Classes whose heat moved."""
        return tuple(one for one in self.classes if one.moved)


def drift(
    first: str | os.PathLike[str] | StoredRun,
    second: str | os.PathLike[str] | StoredRun,
    *,
    noise: str | os.PathLike[str] | StoredRun | None = None,
    tolerated: float = 0.05,
) -> Drift:
    """Drift of the heat between two runs over the same pictures: two checkpoints, two precisions.

    Of each picture the two maps, what speaks against left out and each divided by its sum, are
    compared by the share of heat that lies elsewhere, ½ Σ |a - b|. Without a run that shows the
    noise, any difference counts that is above what is tolerated.

    Parameters
    ----------
    first, second
        The runs, of one source, with maps of one grid.
    noise
        One more run of the first network: over the same pictures prepared a little differently
        (``--crop 0.86``), or of a second training. What moves there moves without a reason.
    tolerated
        Shift beyond the noise that counts as none, in [0, 1].

    Returns
    -------
    The classes with their bounds: Student's interval of the mean, divided among all classes that
    are asked (Bonferroni).

    Raises
    ------
    BadOption
        For runs of other pictures or other grids.
    """
    if not 0 <= tolerated < 1:
        raise BadOption(f"tolerated is a share in [0, 1); received {tolerated}.")
    one, two = _opened(first), _opened(second)
    third = None if noise is None else _opened(noise)
    shifts: dict[str, list[tuple[float, float, bool]]] = defaultdict(list)
    left_out = pictures = 0
    for rows in _joined([one, two, *([third] if third else [])]):
        pictures += 1
        if any(row["error"] is not None for row in rows):
            left_out += 1
            continue
        own = [_shares(one, row) for row in rows]
        far = [_apart(own[0], other, rows[0]["id"]) for other in own[1:]]
        name = rows[0]["label"] or rows[0]["prediction"] or "all"
        changed = rows[0]["prediction"] != rows[1]["prediction"]
        shifts[name].append((far[0], far[1] if third else 0.0, changed))
    if pictures == left_out:
        raise BadOption(
            f"{one!r} and {two!r} have no explained picture in common. Drift is of two runs over "
            "one source."
        )
    asked = sum(len(own) >= LEAST for own in shifts.values())
    found = [_class(name, own, asked, tolerated) for name, own in shifts.items()]
    order = sorted(found, key=lambda own: (not own.moved, own.noise - own.shift, own.name))
    waiting = max(run.status.waiting for run in (one, two, *([third] if third else [])))
    return Drift(tuple(order), pictures - left_out, left_out, tolerated, waiting)


def _opened(run: str | os.PathLike[str] | StoredRun) -> StoredRun:
    return run if isinstance(run, StoredRun) else open_run(run)


def _joined(runs: Sequence[StoredRun]) -> Iterator[tuple[Row, ...]]:
    """Rows of the same pictures; without a word on the others, of which a run is not done yet."""
    plans = {run.folder.facts["plan"] for run in runs}
    if len(plans) == 1 and all(run.status.complete for run in runs):
        yield from zip(*(run.rows(COLUMNS) for run in runs), strict=True)
        return
    others = [{row["id"]: row for row in run.rows(COLUMNS)} for run in runs[1:]]
    for row in runs[0].rows(COLUMNS):
        if all(row["id"] in other for other in others):
            yield (row, *(other[row["id"]] for other in others))


def _shares(run: StoredRun, row: Row) -> Map:
    """The map's heat as shares of 1; all 0 where there is none."""
    heat = np.maximum(run.map(row), 0)
    total = float(heat.sum())
    return heat / np.float32(total) if total > 0 else heat


def _apart(one: np.ndarray, other: np.ndarray, name: Any) -> float:
    """Share of the heat that lies elsewhere; 1 where only one of the two has any."""
    if one.shape != other.shape:
        raise BadOption(
            f"Maps of one grid are compared; those of {name!r} are {_by(one.shape)} and "
            f"{_by(other.shape)}. Run both at layers of one grid: --layer NAME."
        )
    if one.any() != other.any():
        return 1.0
    return min(float(np.abs(one.astype(float) - other).sum() / 2), 1.0)


def _class(
    name: str, own: Sequence[tuple[float, float, bool]], asked: int, tolerated: float
) -> ClassDrift:
    shift, noise, changed = (np.array(each, float) for each in zip(*own, strict=True))
    beyond = shift - noise
    low, high, moved = float("nan"), float("nan"), None
    if len(own) >= LEAST:
        half = student(1 - LEVEL / 2 / asked, len(own) - 1)
        half *= float(beyond.std(ddof=1)) / len(own) ** 0.5
        low, high = float(beyond.mean()) - half, float(beyond.mean()) + half
        moved = low > tolerated
    return ClassDrift(
        name, len(own), int(changed.sum()), float(shift.mean()), float(noise.mean()), low, high,
        moved,
    )  # fmt: skip


def student(share: float, freedom: int) -> float:
    """Quantile of Student's distribution, by its expansion about the normal one: with four degrees
    of freedom to 0.3 % at 0.995 and to 5 % at 0.99995, with more of them closer.
    """
    z, n = NormalDist().inv_cdf(share), freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4)
    )


def _by(lengths: Sequence[int]) -> str:
    return "x".join(map(str, lengths))
