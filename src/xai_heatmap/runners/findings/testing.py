"""Test of a group: its pieces are hidden, and put into pictures of other classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Input
from xai_heatmap.runners.findings.changing import hidden, pasted
from xai_heatmap.runners.findings.pieces import Window, coldest, elsewhere
from xai_heatmap.runners.findings.subjects import Looker, Subject

TESTED = 32
"""Pictures of a group that are tested, at most."""

TARGETS = 3
"""Pictures of other classes that each piece is put into, where a group has few pictures."""


@dataclass(frozen=True)
class Member:
    """One picture of a group, with the places of its pieces that belong to the group."""

    subject: Subject
    places: tuple[int, ...]

    @property
    def windows(self) -> list[Window]:
        """Windows of the group's pieces."""
        return [self.subject.pieces[place].window for place in self.places]

    @property
    def heat(self) -> float:
        """Share of the picture's heat in them."""
        return sum(self.subject.pieces[place].heat for place in self.places)


@dataclass(frozen=True)
class Outcomes:
    """Numbers of every picture that was tested, one list each, in the same order.

    Parameters
    ----------
    before, without, beside
        Score of the class: as it is, with the group's pieces hidden, with as much hidden elsewhere
        on the same picture.
    rank_before, rank_without, rank_beside
        Place of the class among all, 1 being the first.
    bare, put, put_beside
        Of pictures of other classes, the score of this class: as it is, with the piece, with as
        much of the same source from where there is no heat. Means over the pictures that one
        source's piece is put into.
    turned, turned_beside
        Whether the first of them then is taken for the class.
    """

    before: list[float]
    without: list[float]
    beside: list[float]
    rank_before: list[int]
    rank_without: list[int]
    rank_beside: list[int]
    bare: list[float]
    put: list[float]
    put_beside: list[float]
    turned: list[bool]
    turned_beside: list[bool]


def tested(
    members: Sequence[Member], index: int, others: Sequence[Subject], looker: Looker, *, seed: int
) -> Outcomes:
    """Both tests of one group.

    Parameters
    ----------
    members
        Pictures of the group.
    index
        The class.
    others
        Pictures of other classes.
    looker
        Runs the network.
    seed
        Of the chance by which pictures and places are chosen.
    """
    chance = np.random.default_rng([seed, index])
    order = chance.permutation(len(members))[:TESTED]
    own = [members[place] for place in order]
    hiding = _hiding(own, index, looker, chance)
    return Outcomes(*hiding, *_putting(own, index, others, looker, chance))


def _hiding(
    members: Sequence[Member], index: int, looker: Looker, chance: np.random.Generator
) -> tuple[list[float], list[float], list[float], list[int], list[int], list[int]]:
    gone: list[Input] = []
    beside: list[Input] = []
    kept: list[Subject] = []
    for member in members:
        one = member.subject
        taken: list[Window] = []
        for _ in member.windows:
            place = elsewhere(one.heat, [*member.windows, *taken], chance)
            if place is not None:
                taken.append(place)
        if len(taken) < len(member.windows):
            continue  # no room beside them: nothing to compare with
        kept.append(one)
        gone.append(hidden(one.x, [one.pixels(window) for window in member.windows]))
        beside.append(hidden(one.x, [one.pixels(window) for window in taken]))
    first = [one.scores for one in kept]
    second, third = _scores(looker, gone), _scores(looker, beside)
    return (
        _of(first, index), _of(second, index), _of(third, index),
        _ranks(first, index), _ranks(second, index), _ranks(third, index),
    )  # fmt: skip


def _putting(
    members: Sequence[Member], index: int, others: Sequence[Subject], looker: Looker,
    chance: np.random.Generator,
) -> tuple[list[float], list[float], list[float], list[bool], list[bool]]:  # fmt: skip
    put: list[Input] = []
    beside: list[Input] = []
    bare: list[np.ndarray] = []
    of: list[int] = []
    usable = [
        one for one in others
        if one.predicted != index and one.label != index and int(one.scores.argmax()) != index
    ]  # fmt: skip
    times = max(1, min(TARGETS, (TESTED + len(members) // 2) // max(len(members), 1)))
    for place, member in enumerate(members):
        source = member.subject
        fitting = [
            one for one in usable
            if one.x.shape == source.x.shape and one.heat.shape == source.heat.shape
        ]  # fmt: skip
        cold = coldest(source.heat, [piece.window for piece in source.pieces], chance)
        if not fitting or cold is None:
            continue
        for pick in chance.permutation(len(fitting))[:times]:
            target = fitting[pick]
            at = coldest(target.heat, [], chance)
            if at is None:
                continue
            where = target.pixels(at)
            put.append(pasted(target.x, where, source.pixels(member.windows[0]).of(source.x)))
            beside.append(pasted(target.x, where, source.pixels(cold).of(source.x)))
            bare.append(target.scores)
            of.append(place)
    with_piece, with_other = _scores(looker, put), _scores(looker, beside)
    first = [place for place, one in enumerate(of) if place == of.index(one)]
    return (
        _means(_of(bare, index), of), _means(_of(with_piece, index), of),
        _means(_of(with_other, index), of),
        [int(with_piece[place].argmax()) == index for place in first],
        [int(with_other[place].argmax()) == index for place in first],
    )  # fmt: skip


def _means(values: Sequence[float], of: Sequence[int]) -> list[float]:
    """Means of the values that belong to one picture: what is not independent counts once."""
    own: dict[int, list[float]] = {}
    for value, place in zip(values, of, strict=True):
        own.setdefault(place, []).append(value)
    return [sum(each) / len(each) for each in own.values()]


def _scores(looker: Looker, inputs: Sequence[Input]) -> list[np.ndarray]:
    """Scores of inputs in their order, those of one shape together."""
    found: list[np.ndarray] = [np.zeros(0)] * len(inputs)
    for shape in dict.fromkeys(one.shape for one in inputs):
        places = [place for place, one in enumerate(inputs) if one.shape == shape]
        rows = looker.scores([inputs[place] for place in places])
        for place, row in zip(places, rows, strict=True):
            found[place] = row
    return found


def _of(scores: Sequence[np.ndarray], index: int) -> list[float]:
    return [float(row[index]) for row in scores]


def _ranks(scores: Sequence[np.ndarray], index: int) -> list[int]:
    """Place of the class; equal scores of classes before it come first."""
    return [
        1 + int((row > row[index]).sum() + (row[:index] == row[index]).sum()) for row in scores
    ]  # fmt: skip
