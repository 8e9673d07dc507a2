"""From a recording to maps: one backward pass a target, formulas applied as gradients arrive."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from xai_heatmap.core.arrays import Gradients, Inputs, Scores
from xai_heatmap.core.errors import NonFiniteScores
from xai_heatmap.core.evidence import Evidence, Head
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


def mapped(
    recording: Recording,
    x: Inputs,
    asked: Sequence[Ask],
    targets: Sequence[Target],
    finish: Finish[Answer],
) -> dict[str, list[list[Answer]]]:
    """Every answer for one row of targets: by layer, then image, then what was asked of that
    layer; one backward pass.

    Parameters
    ----------
    recording, x
        One forward pass, opened at every layer that is asked for, and what went into it.
    asked
        Methods and their layers.
    targets
        One for each image.
    finish
        Makes the answer from a map; gradients are gone after it.
    """
    needs = frozenset[str]().union(*(ask.method.needs for ask in asked))
    found: dict[str, list[list[Answer]]] = {}
    scores = [
        float(target.value(recording.scores[row : row + 1])[0])
        for row, target in enumerate(targets)
    ]

    def use(layers: Sequence[str], gradients: Gradients | None) -> None:
        here = [ask for ask in asked if not set(layers).isdisjoint(ask.layers)]
        answers = [
            [answer(ask, evidence(row, layers[0], gradients), row) for ask in here]
            for row in range(len(targets))
        ]
        for layer in layers:
            own = [place for place, ask in enumerate(here) if layer in ask.layers]
            found[layer] = [[row[place] for place in own] for row in answers]

    def evidence(row: int, layer: str, gradients: Gradients | None) -> Evidence:
        return Evidence(
            image=x[row],
            activation=recording.activations[layer][row],
            gradient=None if gradients is None else gradients[row],
            score=scores[row],
            head=Head(recording, layer, row, targets[row]) if "head" in needs else None,
            model=Head(recording, INPUT, row, targets[row]) if "model" in needs else None,
        )

    def answer(ask: Ask, known: Evidence, row: int) -> Answer:
        return finish(
            row,
            ask.method,
            _finite(ask.method.found(known, ask.options), ask.method),
            known,
        )

    if "gradient" not in needs:
        for layers in _sharing(recording):
            use(layers, None)
    elif needs & {"head", "model"}:  # a replay runs the model, which its backward pass forbids
        pulled = recording.pullback(cotangents(recording.scores, targets))
        for layers in _sharing(recording):
            use(layers, pulled[layers[0]])
    else:
        recording.each_gradient(cotangents(recording.scores, targets), use)
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
