"""What an audit finds of one picture, as plain numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Input, Map, ScoreRow
from xai_heatmap.core.errors import BadArray, BadOption, NoHead, NonFiniteScores
from xai_heatmap.core.layers.placing import Extent
from xai_heatmap.core.network import Network, Survey
from xai_heatmap.core.prediction import probabilities
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.targets.answer import ROW
from xai_heatmap.core.tested import Tested
from xai_heatmap.explaining.auditing.asked import Asked
from xai_heatmap.explaining.auditing.cells import cells
from xai_heatmap.explaining.auditing.figures import correlation
from xai_heatmap.explaining.auditing.preparations import (
    FEWEST_CLASSES,
    least_logit,
    moved,
    otherwise,
    spoken,
)
from xai_heatmap.explaining.auditing.registration import registration
from xai_heatmap.explaining.disturbed import Moved
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.maps import recording_rule
from xai_heatmap.explaining.opening import heads_of, opened_at
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.question import Question, questions
from xai_heatmap.explaining.request import choice
from xai_heatmap.explaining.testing import Trial, on_patches, untested
from xai_heatmap.metrics.parts.blocks import Blocks, Patches, blocks_of

NO_ROW = (
    "An audit takes networks that answer one row of scores for a picture; {name} answers {what}. "
    "Choose another output: xai_heatmap.network(model, output=...); single targets of such a "
    "network are tested by explain(..., test=True)."
)

SUM = 1e-3
"""Probabilities add up to 1, give or take."""

Facts = dict[str, Any]


class _Trial(Trial):
    """Tests of maps, which a network that can't be run again leaves untested."""

    def __call__(self, map_: Map, number: int = 0, extent: Extent | None = None) -> Tested:
        """Result for one map of the question of that number."""
        try:
            return super().__call__(map_, number, extent)
        except NoHead as error:
            return untested(str(error))

    def seen(self) -> Moved | None:
        """What the explained number did; None where nothing could be tested."""
        try:
            return None if isinstance(self.disturbed, BadArray) else self.disturbed.moved(0)
        except (NoHead, NonFiniteScores):
            return None


@dataclass(frozen=True)
class Auditor:
    """Checks of one network, for any number of pictures.

    Parameters
    ----------
    network, asked
        Which network, and which maps of it.
    prepare
        Function from a picture to the network's input.
    labels
        Names of the classes.
    passes
        Forward passes of the test.
    seed
        Of whatever is drawn.
    """

    network: Network
    asked: Asked
    prepare: Callable[[Any], PreparedInput]
    labels: Sequence[str] | None = None
    passes: int = 64
    seed: int = 0

    def record(self, picture: Any, *, closer: bool) -> Facts:
        """What is found of one picture.

        Parameters
        ----------
        picture
            As `prepare` takes it.
        closer
            Whether it is one of those that are also prepared otherwise and disturbed place by
            place.

        Raises
        ------
        XaiHeatmapError
            If there is no answer, or one that no audit can take.
        """
        given = self.prepare(picture)
        own = self.question(given)
        other = self._other(own)
        trial = _Trial([own] if other is None else [own, other], self.passes, seed=self.seed)
        made = own.explanations(self.asked.requests)
        blocks = blocks_of(given.x.shape[1:])
        facts = _answered(own) | {
            "maps": {_name(one): _tested(one, trial, blocks) for one in made},
            "other": {} if other is None else self._swapped(other, made, trial, blocks),
            "moved": self._moved(own, made, blocks),
            "cells": self._cells(given.x, own.survey),
        }
        seen = trial.seen()
        if seen is not None:
            facts["odd"] = _short(seen.odd)
        again = self.network.record(np.ascontiguousarray(given.x[None])).scores
        facts["again"] = [own.score, float(own.target.value(again)[0])]
        return facts | (self._closer(given, own) if closer else {})

    def question(self, given: PreparedInput, index: int | None = None) -> Question:
        """The question of a picture's prediction, or of one class."""
        requests = self.asked.requests
        names = opened_at(requests, self.network.survey(given.x.shape))
        rule = recording_rule(requests, list(names))
        heads = heads_of(requests)
        (own,) = questions(
            self.network, given, [index], at=names, labels=self.labels, rule=rule, heads=heads
        )
        if own.recording.form != ROW:
            what = "boxes" if own.recording.form.boxes is not None else "one for every place"
            raise BadOption(NO_ROW.format(name=self.network.name, what=what))
        return own

    def patches(self, given: PreparedInput, index: int | None) -> dict[str, list[float]]:
        """Every map of a picture by name, as patches."""
        blocks = blocks_of(given.x.shape[1:])
        made = self.question(given, index).explanations(self.asked.requests)
        return {_name(one): _short(_patches(one, blocks)) for one in made}

    def _other(self, own: Question) -> Question | None:
        """The question of a class in the middle of the ranking, which the picture has least to do
        with; None where no class is explained, or there are but two.
        """
        if own.target.index is None or own.answer.kind == "values" or len(own.scores) < 3:
            return None
        order = np.argsort(-own.scores, kind="stable")
        return replace(own, target=choice(int(order[len(order) // 2]))(own.answer))

    def _swapped(
        self, other: Question, made: Sequence[Explanation], trial: Trial, blocks: Blocks
    ) -> Facts:
        """Maps of another class: how like the map of the prediction each is, and whether it
        predicts what moves the prediction.
        """
        directed = [ask for ask in self.asked.requests if ask.method.directed]
        found = other.explanations(directed) if directed else []
        known = {_name(one): one for one in made}
        return {
            _name(one): {
                "like": _like(one, known[_name(one)], blocks),
                "word": trial(one.map, 0, one.extent).word,
            }
            for one in found
        }

    def _moved(self, own: Question, made: Sequence[Explanation], blocks: Blocks) -> Facts:
        """How like each map is to that of the same picture moved by a patch, moved back."""
        given = replace(own.given, x=moved(own.given.x))
        again = self.question(given, own.target.index)
        inner = tuple(slice(0, -1) for _ in blocks.patches)
        outer = tuple(slice(1, None) for _ in blocks.patches)
        known = {_name(one): _patches(one, blocks) for one in made}
        return {
            _name(one): correlation(
                known[_name(one)][inner].ravel(), _patches(one, blocks)[outer].ravel()
            )
            for one in again.explanations(self.asked.requests)
        }

    def _cells(self, x: Input, survey: Survey) -> Facts:
        names = self.asked.layers
        found = self.network.record(np.ascontiguousarray(x[None]), names).activations
        facts = {}
        for name in names:
            if found[name].ndim < 2:
                continue
            own = cells(found[name][0], survey.layers[name].kind)
            facts[name] = {
                "channels": own.channels,
                "still": {str(k): value for k, value in own.still.items()},
                "ended": own.ended,
                "largest": own.largest,
            }
        return facts

    def _closer(self, given: PreparedInput, own: Question) -> Facts:
        """The picture prepared otherwise, disturbed place by place, and in the model's own call."""
        network, prepared = self.network, {}
        if own.answer.kind == "classes" and len(own.scores) >= FEWEST_CLASSES:
            for name, x in {"": given.x, **otherwise(given, self.prepare)}.items():
                seen = network.record(np.stack([x, moved(x)]))
                prepared[name] = {
                    "answers": [spoken(seen, row) for row in (0, 1)],
                    "sure": float(self._probabilities(seen.scores[0], seen).max()),
                }
        there = [name for name in self.asked.opened if name in own.recording.activations]
        found = registration(network, given.x, there, self.seed)
        return {
            "prepared": prepared,
            "registered": {
                name: None if one is None else {"offset": one.offset, "follows": one.follows}
                for name, one in found.items()
            },
            "size": list(given.x.shape[1:]),
            **self._own_call(given.x, own),
            "preprocess": {key: str(value) for key, value in given.prepared.items()},
        }

    def _probabilities(self, scores: ScoreRow, seen: Recording) -> np.ndarray:
        return probabilities(scores, meaning=seen.meaning, closing=self.network.closing)

    def _own_call(self, x: Input, own: Question) -> Facts:
        """How far the model's own call is from what was explained, as a part of its largest number,
        None where it can't be asked or answers in another shape; of probabilities what
        `least_logit` says.
        """
        found = self.network.own_call(np.ascontiguousarray(x[None]))
        if found is None or found.size != own.scores.size:
            return {"own_call": None, "own_least": None}
        answer = found.ravel().astype(np.float32)
        near = [own.scores, self._probabilities(own.scores, own.recording)]
        size = max(float(np.abs(answer).max()), 1e-12)
        off = min(float(np.abs(answer - one).max()) for one in near if one.shape == answer.shape)
        closed = len(answer) > 2 and answer.min() >= 0 and abs(float(answer.sum()) - 1) < SUM
        least = least_logit(answer, "probabilities") if closed else None
        return {"own_call": off / size, "own_least": least}


def _answered(own: Question) -> Facts:
    """Prediction, and what may be said of its probabilities."""
    first = own.predictions[0] if own.predictions else None
    spoken = own.answer.kind == "classes" and len(own.scores) > 2
    return {
        "prediction": None if first is None else {"index": first.index, "label": first.label},
        "probability": None if first is None else first.probability,
        "target": own.target.label,
        "index": own.target.index,
        "kind": own.answer.kind,
        "meaning": own.answer.meaning,
        "classes": len(own.scores),
        "least_logit": least_logit(own.scores, own.answer.meaning) if spoken else None,
        "flat": bool(np.ptp(own.given.x, axis=tuple(range(1, own.given.x.ndim))).max() == 0),
    }


def _tested(one: Explanation, trial: Trial, blocks: Blocks) -> Facts:
    tested = trial.explanation(one).tested
    assert tested is not None  # noqa: S101 - a trial always answers
    return {
        "word": tested.word,
        "because": tested.because if tested.word in ("unmoved", "untested") else "",
        "agreement": tested.agreement,
        "doubtful": tested.doubtful,
        "edges": tested.edges,
        "centre": tested.centre,
        "verdict": one.verdict.word,
        "patches": _short(_patches(one, blocks)),
    }


def _name(one: Explanation) -> str:
    return f"{one.method}@{one.layer.name}"


def _patches(one: Explanation, blocks: Blocks) -> Patches:
    axes, map_ = len(blocks.image), one.map
    map_ = map_.sum(axis=0) if map_.ndim == axes + 1 else map_
    return on_patches(map_, blocks, one.extent)


def _like(some: Explanation, others: Explanation, blocks: Blocks) -> float | None:
    return correlation(_patches(some, blocks).ravel(), _patches(others, blocks).ravel())


def _short(values: Any) -> list[float]:
    """Numbers to six digits, as they are kept."""
    return [float(f"{value:.6g}") for value in np.asarray(values, np.float64).ravel()]


def like_record(kept: Mapping[str, Sequence[float]], found: Mapping[str, Sequence[float]]) -> Facts:
    """Correlation of each map with the one that was kept of the same name."""
    return {name: correlation(kept[name], own) for name, own in found.items() if name in kept}
