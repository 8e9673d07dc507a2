"""The same pictures prepared otherwise: in another order of channels, or in another range."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Input, ScoreRow
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.shapes import Float64
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.metrics.parts.blocks import blocks_of
from xai_heatmap.sources.preprocess import PRESETS, Preprocess

SWAPPED = "channels swapped"

FEWEST_CLASSES = 5
"""Classes that a correlation over classes takes, at least."""

Rows = Sequence[Sequence[float]] | Float64[np.ndarray, "pictures classes"]
"""One answer for each picture, as of `spoken`."""


def otherwise(given: PreparedInput, prepare: Callable[[Any], PreparedInput]) -> dict[str, Input]:
    """Inputs of one photograph with its channels swapped, and scaled as other presets do; none of
    what is no photograph of three channels.
    """
    photograph = given.array is None and given.geometry is not None and given.x.shape[0] == 3
    if not photograph or given.prepared.get("mode") == "ready":
        return {}
    found = {SWAPPED: prepare(np.ascontiguousarray(given.image[..., ::-1])).x}
    if given.prepared.get("mode") not in PRESETS:
        return found
    own = Preprocess.from_dict(given.prepared)
    for mode in PRESETS:
        facts = {**given.prepared, "mode": mode, "mean": None, "std": None}
        other = Preprocess.from_dict(facts)
        if other.scaling[:4] != own.scaling[:4] and mode != "torch":
            found[f"scaled as {mode}"] = other(given.image)[0]
    return found


def moved(x: Input) -> Input:
    """The input moved by a patch of the test along every axis, its first edge drawn out."""
    shifted = x
    for axis, step in enumerate(steps_of(x), start=1):
        places = np.maximum(np.arange(x.shape[axis]) - step, 0)
        shifted = np.take(shifted, places, axis=axis)
    return np.ascontiguousarray(shifted)


def steps_of(x: Input) -> list[int]:
    """Places along each axis that `moved` moves by."""
    blocks = blocks_of(x.shape[1:])
    return [round(n / patches) for n, patches in zip(blocks.image, blocks.patches, strict=True)]


def spoken(recording: Recording, row: int) -> list[float]:
    """Answer for one picture, without its scale: scores with mean 0 and standard deviation 1 over
    classes; of probabilities their logarithms. Zeros where all scores are the same.
    """
    own = _logits(recording.scores[row], recording.meaning)
    spread = own.std()
    standard = (own - own.mean()) / spread if spread > 0 else np.zeros_like(own)
    return [round(float(one), 4) for one in standard]


def told_apart(answers: Rows, again: Rows) -> list[float]:
    """For each picture the correlation, over classes, of its answer with the answer to the same
    picture moved, less the mean of those with the answers to the other pictures moved.

    It does not hang on the scale of scores, which another range of pixels changes: 0 of a network
    that answers the same to everything, and of one whose answers mean nothing.
    """
    some, others = np.asarray(answers, np.float64), np.asarray(again, np.float64)
    found = some @ others.T / some.shape[1]
    own = np.diag(found)
    rest = (found.sum(axis=1) - own) / max(len(found) - 1, 1)
    return [float(one) for one in own - rest]


def least_logit(scores: ScoreRow, meaning: str) -> float:
    """Least of the numbers that a softmax would have been given, if these add up to 1.

    An answer is p = softmax(z). Where z was itself the answer of a softmax, its numbers add up to 1
    and none is below 0; z is log p but for a constant, which that sum gives. Of any other network
    some come out below 0.
    """
    own = _logits(scores, meaning)
    return float((own - own.mean()).min() + 1 / len(own))


def _logits(scores: ScoreRow, meaning: str) -> Float64[np.ndarray, " classes"]:
    """Scores as logits; of probabilities their logarithms."""
    own = scores.astype(np.float64)
    return np.log(np.maximum(own, 1e-30)) if meaning == "probabilities" else own
