"""Examination of one class: its pictures are looked into, grouped and tested, and written down."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from xai_heatmap.runners.findings.grouping import groups, projected
from xai_heatmap.runners.findings.shown import cut_out, encoded, with_heat
from xai_heatmap.runners.findings.subjects import Looker, Subject
from xai_heatmap.runners.findings.testing import Member, Outcomes, tested

LEAST = 8
"""Pictures of a group below which nothing is said of it."""

GROUPS = 6
"""Groups of a class that are tested, those with most heat."""

SHOWN = 6
"""Pictures of a sheet."""

SAMPLE = 24
"""Pictures of a class whose strongest piece is compared with those of other classes."""

NINTHS = (
    ("at the top left", "at the top", "at the top right"),
    ("on the left", "in the middle", "on the right"),
    ("at the bottom left", "at the bottom", "at the bottom right"),
)

TOGETHER = 0.6
"""Share of a group's pieces in one ninth of the picture above which the group lies there."""


@dataclass(frozen=True)
class Group:
    """A group of one class, tested.

    Parameters
    ----------
    pictures
        How many of the pictures that were looked into have such a piece.
    share
        The same as a share.
    heat
        Mean share of their heat that lies in it.
    area
        Share of the picture that one piece covers.
    where, gathered
        Ninth of the picture in which most pieces lie, or ``anywhere``; and the share that does.
    outcomes
        Numbers of both tests.
    tiles
        The strongest pictures: id, label, prediction, and addresses of small pictures.
    places
        Of all pictures of the group, the hottest first: id, and its hottest piece as left, top,
        right, bottom in shares of what the network saw.
    """

    pictures: int
    share: float
    heat: float
    area: float
    where: str
    gathered: float
    outcomes: Outcomes
    tiles: list[dict[str, Any]]
    places: list[list[Any]]


@dataclass(frozen=True)
class Examined:
    """What was found of one class.

    Parameters
    ----------
    index
        The class.
    looked, cold
        Pictures that were looked into, and those among them without any heat.
    groups
        The larger ones, with most heat first.
    sample
        What lies under the strongest pieces of some pictures (n, d).
    """

    index: int
    looked: int
    cold: int
    groups: list[Group]
    sample: list[list[float]]

    def facts(self) -> dict[str, Any]:
        """All of it in plain values."""
        return asdict(self)

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Examined":
        """What `facts` gave."""
        own = [
            Group(**(one | {"outcomes": Outcomes(**one["outcomes"])})) for one in facts["groups"]
        ]
        return cls(facts["index"], facts["looked"], facts["cold"], own, facts["sample"])


def examined(
    subjects: Sequence[Subject], index: int, others: Sequence[Subject], looker: Looker
) -> Examined:
    """The groups of a class, tested.

    Parameters
    ----------
    subjects
        Pictures predicted as the class, whose maps are about it.
    index
        The class.
    others
        Pictures of all classes, to put pieces into.
    looker
        Runs the network.
    """
    warm = [one for one in subjects if one.pieces]
    found: list[list[Member]] = _grouped(warm)
    kept = found[:GROUPS]
    made: list[Group] = []
    for members in kept:
        outcomes = tested(members, index, others, looker, seed=len(made))
        made.append(_group(members, len(subjects), outcomes, looker))
    sample = [one.features[0] for one in warm[:SAMPLE]]
    near = projected(np.stack(sample)) if sample else np.zeros((0, 0))
    return Examined(
        index, len(subjects), len(subjects) - len(warm), made, np.round(near, 4).tolist()
    )


def _grouped(subjects: Sequence[Subject]) -> list[list[Member]]:
    """Members of every group that is large enough, those with most heat first."""
    if not subjects:
        return []
    features = projected(np.concatenate([one.features for one in subjects]))
    middles = np.array(
        [piece.window.middle(_grid(one)) for one in subjects for piece in one.pieces]
    )
    which = iter(groups(features, middles, least=LEAST).tolist())
    of: dict[int, list[Member]] = {}
    for one in subjects:
        own: dict[int, list[int]] = {}
        for place in range(len(one.pieces)):
            own.setdefault(next(which), []).append(place)
        for group, places in own.items():
            of.setdefault(group, []).append(Member(one, tuple(places)))
    large = [members for members in of.values() if len(members) >= LEAST]
    return sorted(large, key=lambda members: -sum(member.heat for member in members))


def _group(members: list[Member], looked: int, outcomes: Outcomes, looker: Looker) -> Group:
    strongest = sorted(members, key=lambda member: -member.heat)
    where, gathered = _where(members)
    grid = _grid(members[0].subject)
    window = members[0].windows[0]
    return Group(
        pictures=len(members),
        share=len(members) / looked,
        heat=float(np.mean([member.heat for member in members])),
        area=window.height * window.width / (grid[0] * grid[1]),
        where=where,
        gathered=gathered,
        outcomes=outcomes,
        tiles=[_tile(member, looker) for member in strongest[:SHOWN]],
        places=[[member.subject.row["id"], *_box(member)] for member in strongest],
    )


def _where(members: Sequence[Member]) -> tuple[str, float]:
    ninths = [
        (min(int(3 * y), 2), min(int(3 * x), 2))
        for member in members
        for y, x in (window.middle(_grid(member.subject)) for window in member.windows)
    ]
    most = max(dict.fromkeys(ninths), key=ninths.count)
    share = ninths.count(most) / len(ninths)
    if share < TOGETHER:
        return "anywhere", share
    return NINTHS[most[0]][most[1]], share


def _tile(member: Member, looker: Looker) -> dict[str, Any]:
    one, window = member.subject, member.windows[0]
    return {
        "id": one.row["id"],
        "label": None if one.label is None else looker.found.name(one.label),
        "prediction": looker.found.name(one.predicted),
        "heat": encoded(with_heat(one.image, one.heat, window)),
        "piece": encoded(cut_out(one.image, one.heat, window)),
    }


def _box(member: Member) -> list[float]:
    window, (rows, columns) = member.windows[0], _grid(member.subject)
    return [
        window.left / columns, window.top / rows, (window.left + window.width) / columns,
        (window.top + window.height) / rows,
    ]  # fmt: skip


def _grid(one: Subject) -> tuple[int, int]:
    return one.heat.shape[0], one.heat.shape[1]
