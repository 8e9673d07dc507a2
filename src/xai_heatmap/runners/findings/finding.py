"""Finding: one group of one class, with what its tests say, and the rule of what is claimed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.counted import counted, noun
from xai_heatmap.runners.findings.examining import Group
from xai_heatmap.runners.findings.statistics import (
    Moved,
    chance_of,
    chance_of_more,
    holm,
    mean_interval,
    share_interval,
)

LEVEL = 0.05
"""Chance that anything at all is said to move that does not."""

TRAVELS = 0.6
"""Share of what hiding a piece takes away that the piece has to bring along into pictures of other
classes, before it is said to speak for its class by itself, whatever it lies on."""

TURNS = 0.1
"""Share of pictures of other classes that a piece has to turn, beyond what as much from elsewhere
turns, to be said the same of: the lower bound lies above it."""

BRIDGES = 0.1
"""Share of the way from the scores of other classes' pictures to those of its own that a piece has
to bridge: what moves less matters to nobody."""

TRIED = 8
"""Pictures of other classes below which nothing is said of that."""


@dataclass(frozen=True)
class Finding:
    """What lies under the heat of some pictures of a class, and what hangs on it.

    Parameters
    ----------
    name, index
        The class.
    group
        What was grouped: pictures, places, numbers, a sheet.
    tested
        Pictures of the group in which its pieces were hidden.
    score, beside
        By how much the class's score falls where the pieces are hidden; the same where as much is
        hidden elsewhere on the same pictures. Means.
    fall
        score - beside, with bounds for all groups together.
    chance
        Chance of such a fall where hiding either makes no difference, corrected for the number of
        groups (Holm).
    rank_before, rank_without, rank_beside
        Mean place of the class among all.
    lost
        Share of the pictures that are no longer taken for the class, beyond those that are lost by
        hiding as much elsewhere, with bounds.
    hangs
        Share of all pictures of the class that are lost: `lost`, times the group's share.
    tried
        Pictures of other classes into which a piece was put.
    turned, turned_beside
        Share of them that then is taken for the class; the same for as much from where the source
        has no heat.
    turns
        turned - turned_beside, with bounds for all groups together.
    rise
        By how much the class's score rises there beyond the same, with bounds.
    travels
        Chance of such a rise where pieces bring along less than `TRAVELS` of the fall, corrected.
    bridged
        rise, as a share of the way from the mean score of the other pictures to that of the group.
    shortcut
        Whether a shortcut is claimed; None where that could not be asked.
    """

    name: str
    index: int
    group: Group
    tested: int
    score: float
    beside: float
    fall: Moved
    chance: float
    rank_before: float
    rank_without: float
    rank_beside: float
    lost: Moved
    hangs: float
    tried: int
    turned: float
    turned_beside: float
    turns: Moved
    rise: Moved
    travels: float
    bridged: float
    shortcut: bool | None

    @property
    def falls(self) -> bool:
        """Whether the test of hiding is positive."""
        return self.chance < LEVEL

    @property
    def first(self) -> tuple[float, ...]:
        """What findings are ordered by: claimed ones first, then what hangs on them."""
        claimed, felt = float(not self.shortcut), float(not self.falls)
        return claimed, felt, -self.hangs, -self.fall.mean

    def sentences(self) -> list[str]:
        """What was tested, and what came of it."""
        own = self.group
        under = (
            f"{counted(own.pictures, 'of the pictures', 'of the pictures')} predicted as "
            f"{self.name} "
            f"({own.share:.0%}) {noun(own.pictures, 'has', 'have')} this "
            f"under their heat; a piece covers {own.area:.1%} of the picture and lies "
            f"{own.where}."
        )
        hidden = (
            f"Hidden on {self.tested} of them, the score of {self.name} falls by {self.score:.3g}; "
            f"with as much hidden elsewhere by {self.beside:.3g}. Beyond that: "
            f"{_bounds(self.fall)}, p = {self.chance:.2g} corrected for all groups. Mean rank "
            f"{self.rank_before:.2f} becomes {self.rank_without:.2f}; with as much hidden "
            "elsewhere "
            f"{self.rank_beside:.2f}. {_percent(self.lost)} are lost beyond that, which is "
            f"{self.hangs:.1%} of the class."
        )
        said = [under, hidden]
        if self.tried < TRIED:
            said.append(
                "It was not put into pictures of other classes: there are too few that fit."
            )
            return said
        said.append(
            f"Put where there is no heat into {counted(self.tried, 'picture')} of other "
            "classes, it raises "
            f"that score by {_bounds(self.rise)} more than as much from elsewhere on the same "
            f"pictures does, {self.bridged:.0%} of the way to the class. It turns "
            f"{self.turned:.0%} of them into {self.name}; as much from elsewhere turns "
            f"{self.turned_beside:.0%}."
        )
        if self.shortcut:
            why = (
                f"it brings more than {TRAVELS:.0%} of its weight along into any picture (p = "
                f"{self.travels:.2g}, corrected)"
                if self.travels < LEVEL
                else f"it turns more than {TURNS:.0%} of them (at least {self.turns.low:.0%})"
            )
            said.append(
                f"So it speaks for {self.name} by itself, whatever it lies on: {why}. That is "
                f"called a shortcut here. Whether it belongs to {self.name} is for you to say."
            )
        return said


def judged(groups: Sequence[tuple[str, int, Group]]) -> list[Finding]:
    """The findings, in their order; every bound and chance is corrected for all of them.

    A shortcut is claimed where hiding is felt and what is hidden speaks for the class by itself:
    the score falls more than by hiding as much elsewhere (Holm, 0.05); and, put into pictures of
    other classes, the piece brings along more than `TRAVELS` of that fall (Holm, 0.05) and bridges
    `BRIDGES` of the way, or turns more than `TURNS` of them. A part of an object does neither
    without the rest of the object around it.
    """
    asked = len(groups)
    falls = holm([chance_of(_fall(group)) for _, _, group in groups])
    along = holm([_brought(group) for _, _, group in groups])
    found = [
        _finding(*named, fell, brought, asked)
        for named, fell, brought in zip(groups, falls, along, strict=True)
    ]
    return sorted(found, key=lambda one: one.first)


def _fall(group: Group) -> np.ndarray:
    own = group.outcomes
    return np.array(own.beside) - np.array(own.without)


def _rise(group: Group) -> np.ndarray:
    own = group.outcomes
    return np.array(own.put) - np.array(own.put_beside)


def _brought(group: Group) -> float:
    """Chance of such a rise where it is `TRAVELS` of the fall; both means vary (Welch 1947)."""
    return chance_of_more(_rise(group), TRAVELS * _fall(group))


def _finding(
    name: str, index: int, group: Group, fell: float, brought: float, asked: int
) -> Finding:
    own = group.outcomes
    before, without, beside = (np.array(each) for each in (own.before, own.without, own.beside))
    lost = share_interval(
        np.array(own.rank_without) != 1, np.array(own.rank_beside) != 1, level=LEVEL, asked=asked
    )
    rise = mean_interval(_rise(group), level=LEVEL, asked=asked)
    turns = share_interval(own.turned, own.turned_beside, level=LEVEL, asked=asked)
    tried = len(own.turned)
    way = _mean(before) - _mean(own.bare)
    bridged = rise.mean / way if way > 0 else 0.0
    claimed = None
    if tried >= TRIED and len(before) >= TRIED:
        alone = (brought < LEVEL and bridged > BRIDGES) or turns.low > TURNS
        claimed = fell < LEVEL and alone
    return Finding(
        name=name, index=index, group=group, tested=len(before),
        score=_mean(before - without), beside=_mean(before - beside),
        fall=mean_interval(_fall(group), level=LEVEL, asked=asked), chance=fell,
        rank_before=_mean(own.rank_before), rank_without=_mean(own.rank_without),
        rank_beside=_mean(own.rank_beside), lost=lost,
        hangs=max(lost.mean, 0.0) * group.share if len(before) else 0.0,
        tried=tried, turned=_mean(own.turned), turned_beside=_mean(own.turned_beside),
        turns=turns,
        rise=rise, travels=brought, bridged=bridged, shortcut=claimed,
    )  # fmt: skip


def _mean(values: Sequence[float] | Sequence[int] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _bounds(own: Moved) -> str:
    return f"{own.mean:.3g} (bounds {own.low:.3g} to {own.high:.3g})"


def _percent(own: Moved) -> str:
    return f"{own.mean:.0%} (bounds {own.low:.0%} to {own.high:.0%})"
