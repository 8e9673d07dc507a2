"""What stands beside the groups: confused pairs, verdicts, heat outside boxes, classes alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xai_heatmap.core.errors import InputError, XaiHeatmapError
from xai_heatmap.core.targets.category import category
from xai_heatmap.explaining.batched import Ask
from xai_heatmap.runners.findings.choosing import Chosen
from xai_heatmap.runners.findings.examining import Examined
from xai_heatmap.runners.findings.pieces import heat_of
from xai_heatmap.runners.findings.shown import encoded, thumbnail, with_heat
from xai_heatmap.runners.findings.subjects import Looker
from xai_heatmap.sinks.store.rows import Row

PAIRS = 6
"""Confused pairs that are shown."""

EACH = 3
"""Pictures of each."""

MIXED = 0.6
"""How mixed two classes' pieces are before the classes are called alike: 1 is as by chance."""


@dataclass(frozen=True)
class Confused:
    """Pictures of one class that are taken for another.

    Parameters
    ----------
    label, prediction
        The classes.
    pictures, share
        How many, and which share of the pictures labelled so.
    tiles
        Some of them, with the heat of both classes.
    """

    label: str
    prediction: str
    pictures: int
    share: float
    tiles: list[dict[str, Any]]


@dataclass(frozen=True)
class Alike:
    """Two classes whose strongest heat lies on the same things, as the network sees them.

    Parameters
    ----------
    first, second
        The classes.
    mixed
        Share of their strongest pieces whose nearest one in another picture is of the other class,
        beside that of pieces without any class: 1 where nothing tells them apart.
    pieces
        How many were compared.
    """

    first: str
    second: str
    mixed: float
    pieces: int


@dataclass(frozen=True)
class Verdicts:
    """Verdicts of the maps of one class."""

    name: str
    pictures: int
    words: dict[str, int]
    right: int | None
    labelled: int | None


def verdicts(found: Chosen) -> list[Verdicts]:
    """Verdicts by predicted class, the class with the smallest share of ``ok`` first."""
    made = [
        Verdicts(
            found.name(index),
            found.counts[index],
            dict(words.most_common()),
            found.right[index] if found.labelled else None,
            found.labelled[index] if found.labelled else None,
        )
        for index, words in found.verdicts.items()
    ]
    return sorted(made, key=lambda one: (one.words.get("ok", 0) / one.pictures, one.name))


def confused(found: Chosen, ask: Ask, looker: Looker) -> list[Confused]:
    """The commonest pairs, with maps of both classes on the same pictures."""
    made: list[Confused] = []
    for (label, predicted), count in found.pairs.most_common(PAIRS):
        rows = found.confused[label, predicted]
        tiles = [tile for row in rows if (tile := _both(row, label, predicted, ask, looker))]
        made.append(
            Confused(
                found.name(label), found.name(predicted), count, count / found.labelled[label],
                tiles,
            )
        )  # fmt: skip
    return made


def _both(row: Row, label: int, predicted: int, ask: Ask, looker: Looker) -> dict[str, Any] | None:
    """A picture with the heat of its prediction and of its label; None where it can't be had."""
    try:
        given = looker.prepared(looker.run.given(row))
        maps = [
            heat_of(replace(ask, target=category(index))([given])[0].map)
            for index in (predicted, label)
        ]
    except InputError as error:
        looker.gone[row["id"]] = str(error)
        return None
    except XaiHeatmapError:  # of a method that has no map of this class
        return None
    image = thumbnail(given)
    return {
        "id": row["id"],
        "prediction": encoded(with_heat(image, maps[0])),
        "label": encoded(with_heat(image, maps[1])),
    }


def alike(every: Sequence[Examined], name: Callable[[int], str]) -> list[Alike]:
    """Pairs of classes whose strongest pieces lie among each other, the most mixed first.

    Of two classes' pieces, the nearest other one is looked for; where nothing tells the classes
    apart, it is of the other class as often as there are such.
    """
    kept = [one for one in every if len(one.sample) > 2]
    if len(kept) < 2:
        return []
    points = [np.array(one.sample) for one in kept]
    centres = np.stack([own.mean(0) for own in points])
    found: list[Alike] = []
    for a, b in _near(centres):
        one, two = points[a], points[b]
        both = np.concatenate([one, two])
        far = ((both[:, None] - both[None]) ** 2).sum(-1)
        np.fill_diagonal(far, np.inf)
        of = np.arange(len(both)) >= len(one)
        crossed = of[far.argmin(1)] != of
        expected = 2 * len(one) * len(two) / (len(both) * (len(both) - 1))
        mixed = float(crossed.mean()) / expected
        if mixed >= MIXED:
            found.append(Alike(name(kept[a].index), name(kept[b].index), mixed, len(both)))
    return sorted(found, key=lambda one: (-one.mixed, one.first))


def _near(centres: np.ndarray, most: int = 5) -> list[tuple[int, int]]:
    """Pairs in which one is among the nearest of the other."""
    pairs: set[tuple[int, int]] = set()
    for place, centre in enumerate(centres):
        far = ((centres - centre) ** 2).sum(1)
        far[place] = np.inf
        for other in np.argsort(far, kind="stable")[:most]:
            if other != place:
                pairs.add((min(place, int(other)), max(place, int(other))))
    return sorted(pairs)


def plain_gone(gone: Mapping[str, str], most: int = 20) -> dict[str, str]:
    """The first pictures that can't be had, with why."""
    return dict(list(gone.items())[:most])
