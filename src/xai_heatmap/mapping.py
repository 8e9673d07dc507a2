"""From a recording to maps: one backward pass a target, formulas applied as gradients arrive."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from xai_heatmap.core.arrays import Gradient, Gradients, Inputs, Map, Scores
from xai_heatmap.core.errors import NonFiniteScores
from xai_heatmap.core.evidence import Evidence, Head
from xai_heatmap.core.network import Recording
from xai_heatmap.core.registry import Method
from xai_heatmap.core.target import Target

Answer = TypeVar("Answer")

Finish = Callable[[int, Method, Map, Gradient | None], Answer]
"""What becomes of a map: the image's row, the method, the map, the gradient it was made from."""


@dataclass(frozen=True)
class Asked:
    """What is wanted of one recording: these methods, with their options, at these layers."""

    methods: Sequence[tuple[Method, Mapping[str, object]]]
    layers: Sequence[str]

    def need(self, evidence: str) -> bool:
        """Whether any of the methods asks for that field of the evidence."""
        return any(evidence in method.needs for method, _ in self.methods)


def mapped(
    recording: Recording,
    x: Inputs,
    asked: Asked,
    targets: Sequence[Target],
    finish: Finish[Answer],
) -> dict[str, list[list[Answer]]]:
    """Every answer for one row of targets: by layer, then image, then method; one backward pass.

    Parameters
    ----------
    recording, x
        One forward pass, and what went into it.
    asked
        Methods and layers.
    targets
        One for each image.
    finish
        Makes the answer from a map; gradients are gone after it.
    """
    heads = asked.need("head")
    found: dict[str, list[list[Answer]]] = {}
    scores = [
        float(target.value(recording.scores[row : row + 1])[0])
        for row, target in enumerate(targets)
    ]

    def use(layers: Sequence[str], gradients: Gradients | None) -> None:
        answers = [
            at_one_place(evidence(row, layers[0], gradients), row) for row in range(len(targets))
        ]
        found.update(dict.fromkeys(layers, answers))

    def evidence(row: int, layer: str, gradients: Gradients | None) -> Evidence:
        return Evidence(
            image=x[row],
            activation=recording.activations[layer][row],
            gradient=None if gradients is None else gradients[row],
            score=scores[row],
            head=Head(recording, layer, row, targets[row]) if heads else None,
        )

    def at_one_place(known: Evidence, row: int) -> list[Answer]:
        return [
            finish(
                row,
                method,
                _finite(method(known, options), method),
                known.gradient if "gradient" in method.needs else None,
            )
            for method, options in asked.methods
        ]

    if not asked.need("gradient"):
        for layer in asked.layers:
            use([layer], None)
    elif heads:  # a replay runs the model, which its backward pass does not allow
        pulled = recording.pullback(cotangents(recording.scores, targets))
        for layer in asked.layers:
            use([layer], pulled[layer])
    else:
        recording.each_gradient(cotangents(recording.scores, targets), use)
    return found


def _finite(map_: Map, method: Method) -> Map:
    if not np.isfinite(map_).all():
        raise NonFiniteScores(
            f"{method.name} came out as NaN or infinity: a gradient or activation overflowed. "
            "Half precision does so easily; try the model in float32."
        )
    return map_


def cotangents(scores: Scores, targets: Sequence[Target]) -> Scores:
    """∂y/∂s of every image, each for its own target, so that one backward pass serves all."""
    return np.concatenate(
        [target.cotangent(scores[row : row + 1]) for row, target in enumerate(targets)]
    )
