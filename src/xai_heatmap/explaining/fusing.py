"""Which questions a fused program answers: targets as seeds, before the network has run."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from xai_heatmap.core.arrays import Inputs, Native, ScoreRow, Scores
from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.core.fused import (
    PREDICTION,
    Fused,
    FusedRecording,
    Link,
    MappedRecording,
    Seed,
    stacked,
)
from xai_heatmap.core.network import Network
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.targets.answer import ROW, Answer, Form, Meaning
from xai_heatmap.core.targets.target import Choice, Target
from xai_heatmap.explaining.forward_pass import MethodRequest
from xai_heatmap.explaining.glimpse import programmed
from xai_heatmap.explaining.request import answers_of

LINKS: tuple[Link, ...] = ("scores", "softmax", "sigmoid")

MOST_LIKELY = Seed((PREDICTION,), (1.0,))
"""Seed of the prediction, which needs no look at any score."""


@dataclass(frozen=True)
class _Expected:
    """Scores that stand in for a recording until there is one."""

    scores: Scores
    meaning: Meaning
    form: Form = ROW


def recorded(
    network: Network,
    x: Inputs,
    at: Sequence[str],
    asked: Sequence[MethodRequest],
    choices: Sequence[Choice],
    labels: Sequence[str] | None = None,
    *,
    rule: BackwardRule = GRADIENT,
    judged: bool = False,
) -> Recording:
    """Recording of pictures, each with its choice, or of one with several: with the maps of `asked`
    where the network has a program for them, and opened at the layers `at`.
    """

    def opened() -> Recording:
        return network.record(x, at, rule=rule)

    if rule is not GRADIENT or not asked or not all(map(programmed, asked)):
        return opened()
    own = len(choices) == len(x)
    found = _fused(network, x, asked, choices, labels, judged=judged) if own else None
    if found is not None:
        return FusedRecording(found, opened)
    passed = network.mapping(x, _keys(asked), judged=judged)
    return opened() if passed is None else MappedRecording(*passed, opened)


def _keys(asked: Sequence[MethodRequest]) -> list[tuple[str, str]]:
    keys = [(name, ask.method.name) for ask in asked for name in ask.layers]
    return list(dict.fromkeys(keys))


def _fused(
    network: Network,
    x: Inputs,
    asked: Sequence[MethodRequest],
    choices: Sequence[Choice],
    labels: Sequence[str] | None,
    *,
    judged: bool,
) -> Fused | None:
    known = network.answering(x.shape[1:])
    seeds = None if known is None else seeds_of(network, choices, *known, labels)
    if seeds is None or (own := stacked(seeds)) is None:
        return None
    return network.fused(x, _keys(asked), own, judged=judged)


def remember(
    network: Network,
    question: Hashable | None,
    x: Native,
    recording: Recording,
    choices: Sequence[Choice],
) -> None:
    """Have a network remember a question that its program has answered, where the same choice is
    explained of every picture, and nothing but the prediction depends on the scores.
    """
    if question is None or not isinstance(recording, FusedRecording) or not recording.answered:
        return
    known = network.answering(network.channels_first(x).shape[1:])
    keys = list(recording.fused.maps)
    seeds = known and len(keys) == 1 and seeds_of(network, choices[:1], *known, None)
    if seeds and seeds[0].link == "scores" and len(seeds[0].classes) == 1:
        network.remember(question, x, keys, seeds[0])


def seeds_of(
    network: Network,
    choices: Sequence[Choice],
    units: int,
    meaning: Meaning,
    labels: Sequence[str] | None,
) -> list[Seed] | None:
    """The choices as seeds; None where the target of any depends on the scores in another way."""
    if units > 1 and network.declared.answers != "values" and all(map(_predicted, choices)):
        return [MOST_LIKELY] * len(choices)
    expected = _Expected(_tries(units)[:1], meaning)
    try:
        (like,) = answers_of(expected, network, labels, None)
    except XaiHeatmapError:  # is raised again, once the network has answered
        return None
    known = {id(choice): choice for choice in choices}
    found = {key: seed_of(choice, like) for key, choice in known.items()}
    seeds = [found[id(choice)] for choice in choices]
    own = [seed for seed in seeds if seed is not None]
    return own if len(own) == len(seeds) else None


def seed_of(choice: Choice, like: Answer) -> Seed | None:
    """A choice as a seed, found by what it picks of two rows of scores; None where it is none.

    Parameters
    ----------
    choice
        What is explained.
    like
        An answer of the network, of whose scores only the number counts.
    """
    if choice.over or choice.of_all is not None:
        return None
    if choice.rank == 1 and like.units > 1 and like.kind != "values":
        return MOST_LIKELY
    rows = _tries(like.units)
    try:
        targets = [choice(replace(like, scores=row)) for row in rows]
    except Exception:  # noqa: BLE001 - anybody's own choice, which never saw such scores
        return None
    one, other = targets
    if one.weights is not None and other.weights is not None:
        return _linear(one.weights, other.weights, rows)
    return _bent(targets, rows)


def _predicted(choice: Choice) -> bool:
    return choice.rank == 1 and not choice.over and choice.of_all is None


@lru_cache(maxsize=64)
def _tries(units: int) -> Scores:
    """Two rows of scores with no order in common; of a single unit one for and one against."""
    if units == 1:
        return np.array([[1], [-1]], np.float32)
    draw = np.random.default_rng(units)
    rows = draw.normal(size=(2, units)).astype(np.float32)
    if rows[0].argmax() == rows[1].argmax():
        rows[1] = -rows[1]
    return rows


def _linear(one: ScoreRow, other: ScoreRow, rows: Scores) -> Seed | None:
    """Weights that stay, and what moves with the prediction."""
    if np.array_equal(one, other):
        return _seed(one, 0.0)
    if len(one) == 1:
        return _seed((one + other) / 2, float(one[0] - other[0]) / 2)
    first, second = rows.argmax(axis=1)
    moved = float(one[first] - other[first])
    ones, others = one.copy(), other.copy()
    ones[first] -= moved
    others[second] -= moved
    return _seed(ones, moved) if np.allclose(ones, others, rtol=0, atol=1e-6) else None


def _seed(weights: ScoreRow, moved: float) -> Seed:
    """Seed of fixed weights, of those that are not 0, and of the prediction's."""
    places = np.flatnonzero(weights)
    fixed = [float(weights[place]) for place in places]
    if not moved:
        return Seed(tuple(places.tolist()), tuple(fixed))
    return Seed((PREDICTION, *places.tolist()), (moved, *fixed))


def _bent(targets: Sequence[Target], rows: Scores) -> Seed | None:
    """Seed of one class behind a softmax or sigmoid, whose derivatives are those of the target."""
    index = targets[0].index
    if index is None or targets[1].index != index:
        return None
    own = [target.cotangent(row[None]) for target, row in zip(targets, rows, strict=True)]
    unit = 0 if rows.shape[1] == 1 else index
    for link in LINKS:
        for sign in (1.0, -1.0):
            seed = Seed((unit,), (sign,), link)
            made = [seed.cotangent(row[None]) for row in rows]
            if all(
                np.allclose(*pair, rtol=1e-4, atol=1e-7) for pair in zip(own, made, strict=True)
            ):
                return seed
    return None
