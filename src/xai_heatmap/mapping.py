"""From a recording to maps: one backward pass a target, formulas applied as gradients arrive."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from xai_heatmap.core.arrays import Gradients, Input, Inputs, Scores
from xai_heatmap.core.errors import NonFiniteScores
from xai_heatmap.core.evidence import Evidence, Head, Level, batched
from xai_heatmap.core.network import INPUT, Recording
from xai_heatmap.core.registry import Found, Method
from xai_heatmap.core.target import Target

Answer = TypeVar("Answer")

Finish = Callable[[int, Method, Found, Evidence], Answer]
"""What becomes of a map: the image's row, the method, the map, all that was known of the image."""


@dataclass(frozen=True)
class Ask:
    """What is wanted of a recording: a method, with its options, at these layers."""

    method: Method
    options: Mapping[str, object]
    layers: Sequence[str]


Record = Callable[[Inputs, Sequence[str]], Recording]
"""One forward pass of the same network, opened at the layers named."""

Joined = Callable[[str], Sequence[str]]
"""A layer, and those of coarser grids that go with it."""


BACKWARD = frozenset({"gradient", "pyramid"})
"""The fields of evidence that a backward pass gives."""

COLLECTED = frozenset({"head", "model", "again", "pyramid"})
"""The fields of evidence that can't have gradients as they come: they run the model, which its
backward pass forbids, or hold several layers."""


@dataclass(frozen=True)
class Passed:
    """Pictures that went through a network together.

    Parameters
    ----------
    recording, x, targets
        The forward pass, what went into it, and what is explained of each picture.
    record
        To send other pictures through the same network.
    joined
        The layers that go together.
    batch
        How many other pictures go through together, at most.
    """

    recording: Recording
    x: Inputs
    targets: Sequence[Target]
    record: Record
    joined: Joined
    batch: int = 32

    def pulled(self) -> Mapping[str, Gradients]:
        """Gradients of every layer that was opened, in one backward pass."""
        return self.recording.pullback(cotangents(self.recording.scores, self.targets))

    def evidence(
        self, needs: Collection[str], row: int, layer: str, gradients: Mapping[str, Gradients]
    ) -> Evidence:
        """What is asked for about one picture at one layer, given the gradients there are."""
        recording, target = self.recording, self.targets[row]
        together = self.joined(layer) if "pyramid" in needs else ()
        return Evidence(
            image=self.x[row],
            activation=recording.activations[layer][row],
            gradient=gradients[layer][row] if layer in gradients else None,
            score=float(target.value(recording.scores[row : row + 1])[0]),
            head=Head(recording, layer, row, target) if "head" in needs else None,
            model=Head(recording, INPUT, row, target) if "model" in needs else None,
            again=partial(self._again, layer, target) if "again" in needs else None,
            pyramid=[
                Level(recording.activations[name][row], gradients[name][row]) for name in together
            ],
        )

    def _again(
        self, layer: str, target: Target, pictures: Iterable[Input], needs: Collection[str]
    ) -> Iterator[Evidence]:
        opened = self.joined(layer) if "pyramid" in needs else [layer]
        for x in batched(pictures, self.batch):
            others = replace(self, recording=self.record(x, opened), x=x, targets=[target] * len(x))
            gradients = {} if BACKWARD.isdisjoint(needs) else others.pulled()
            for row in range(len(x)):
                yield others.evidence(needs, row, layer, gradients)


def mapped(
    passed: Passed, asked: Sequence[Ask], finish: Finish[Answer]
) -> dict[str, list[list[Answer]]]:
    """Every answer for one row of targets: by layer, then image, then what was asked of that
    layer; one backward pass.

    Parameters
    ----------
    passed
        One forward pass, opened at every layer that is asked for.
    asked
        Methods and their layers.
    finish
        Makes the answer from a map; gradients are gone after it.
    """
    recording = passed.recording
    needs = frozenset[str]().union(*(ask.method.needs for ask in asked))
    found: dict[str, list[list[Answer]]] = {}

    def use(layers: Sequence[str], gradients: Mapping[str, Gradients]) -> None:
        here = [ask for ask in asked if not set(layers).isdisjoint(ask.layers)]
        answers = [
            [answer(ask, passed.evidence(needs, row, layers[0], gradients), row) for ask in here]
            for row in range(len(passed.targets))
        ]
        for layer in layers:
            own = [place for place, ask in enumerate(here) if layer in ask.layers]
            found[layer] = [[row[place] for place in own] for row in answers]

    def answer(ask: Ask, known: Evidence, row: int) -> Answer:
        return finish(
            row,
            ask.method,
            _finite(ask.method.found(known, ask.options), ask.method),
            known,
        )

    if BACKWARD.isdisjoint(needs):
        for layers in _sharing(recording):
            use(layers, {})
    elif COLLECTED.isdisjoint(needs):
        recording.each_gradient(
            cotangents(recording.scores, passed.targets),
            lambda layers, gradients: use(layers, {layers[0]: gradients}),
        )
    else:
        pulled = passed.pulled()
        for layers in _sharing(recording):
            use(layers, pulled)
    return found


def _sharing(recording: Recording) -> list[list[str]]:
    """Names of layers, those together that gave one and the same array."""
    found: dict[int, list[str]] = {}
    for name, activation in recording.activations.items():
        found.setdefault(id(activation), []).append(name)
    return list(found.values())


def _finite(found: Found, method: Method) -> Found:
    if not np.isfinite(found.map).all():
        raise NonFiniteScores(
            f"{method.name} came out as NaN or infinity: a gradient or activation overflowed. "
            "Half precision does so easily; try the model in float32."
        )
    return found


def cotangents(scores: Scores, targets: Sequence[Target]) -> Scores:
    """∂y/∂s of every image, each for its own target, so that one backward pass serves all."""
    return np.concatenate(
        [target.cotangent(scores[row : row + 1]) for row, target in enumerate(targets)]
    )
