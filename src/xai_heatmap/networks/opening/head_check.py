"""Check that a head repeats the recorded scores: on its own, in whole passes, or never."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.networks.loading.loaded import first_line
from xai_heatmap.networks.opening.interfaces import Head

SAME_SCORES = 1e-3
"""Tolerance of the scores of a replayed head, relative to the largest score of the whole pass."""

ROUNDED = 0.25
"""Tolerance of the scores of a head without rounding to codes, relative to the largest score of the
network, which rounds."""

MIXED = "images that go through it together change each other's scores"

OTHER = -2
"""Factor of the third activation between two copies: the mean over the batch is 0, so that a head
that mixes a batch gives other scores."""


STRAIGHT = 2e-5
"""Tolerance of the scores of an affine head, relative to the largest score that was seen."""

FAR = 4
"""Length of the step that shows whether a head is affine, in largest activations: far enough for
what clips, saturates or switches to do so."""


@dataclass(frozen=True)
class Probe:
    """Step of a layer's output, drawn again where it is needed, and its rise of the scores."""

    shape: tuple[int, ...]
    length: float
    rise: Native

    def step(self) -> Native:
        """The step: (1, ...)."""
        return _step(self.shape, self.length)


@dataclass(frozen=True)
class Proof:
    """Result of checking a head against the recorded scores.

    Parameters
    ----------
    whole
        Whether only whole forward passes do.
    alone
        Whether only one activation at a time does: together, they change each other's scores.
    refusal
        Why nothing does; empty where something does.
    affine
        What one step adds to the scores, of a head that was seen to be affine.
    """

    whole: bool
    alone: bool = False
    refusal: str = ""
    affine: Probe | None = None


def proof(made: Callable[..., Head], scores: Native) -> Proof:
    """Check a head on its own, then in whole passes; where activations of a batch change each
    other's scores, then both again with one activation at a time.

    Parameters
    ----------
    made
        Makes the head, ``made(whole=..., alone=...)``.
    scores
        What was recorded of the one image.
    """
    why = ""
    for alone, whole in ((False, False), (False, True), (True, False), (True, True)):
        if alone and why != MIXED:
            break
        try:
            head = made(whole=whole, alone=alone)
            if _repeats(head, scores):
                return Proof(whole, alone, affine=None if whole or alone else _affine(head))
        except Exception as problem:
            if out_of_memory(problem):
                raise
            reason = f"it fails with other values there ({first_line(problem)})"
        else:
            reason = _difference(head, scores)
        why = why if alone else reason
    return Proof(whole=True, refusal=why)


def still_repeats(head: Head, scores: Native) -> bool:
    """Whether the recorded activation, run alone, gives the recorded scores; false if other images
    in the recorded batch changed the scores.
    """
    return _same(head(head.output).scores, scores, scores)


def _repeats(head: Head, scores: Native) -> bool:
    """Whether two copies of the activation, around a third one, give the recorded scores.

    With one copy, a model that folds something into the axis of images would pass and fail later;
    so would one that looks at all images of a batch, with nothing but copies.
    """
    own = head.output
    try:
        first, other, second = head(np.concatenate([own, OTHER * own, own])).scores[:, None]
    except Exception:  # noqa: BLE001 - a head may refuse values that its layer never gives
        copies, other = head(np.concatenate([own, own, own])).scores[:, None], scores
        first, second = copies[0], copies[2]
    return _same(first, scores, other) and _same(second, scores, other)


def _affine(head: Head) -> Probe | None:
    """Step and rise of a head that is affine: behind which the step R adds the same to an
    activation A as to 0, and -2 A takes away as much as lies between A and 0, three times.
    """
    own = head.output
    if own.dtype != np.float32 or not own.size:
        return None
    length = FAR * float(np.abs(own).max()) or 1.0
    step, zero = _step(own.shape, length), np.zeros_like(own)
    try:
        rows = head(np.concatenate([zero, own, step, own + step, OTHER * own])).scores
    except Exception as problem:
        if out_of_memory(problem):
            raise
        return None  # a head may refuse values that its layer never gives
    if len(rows) != 5 or not np.isfinite(rows).all():
        return None
    nothing, said, stepped, both, other = rows[:, None].astype(np.float64)
    most = STRAIGHT * np.abs(rows).max()
    straight = np.abs(both - said - (stepped - nothing)).max() <= most
    straight &= np.abs(other - nothing - OTHER * (said - nothing)).max() <= most
    return Probe(own.shape, length, (stepped - nothing).astype(np.float32)) if straight else None


def _step(shape: tuple[int, ...], length: float) -> Native:
    return np.float32(length) * _drawn(shape)


@lru_cache(maxsize=2)
def _drawn(shape: tuple[int, ...]) -> Native:
    """Numbers of a normal distribution, the same for every picture: drawing them takes as long as
    several layers.
    """
    drawn = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    drawn.flags.writeable = False
    return drawn


def _difference(head: Head, scores: Native) -> str:
    """Reason why a head that runs gives other scores than the recorded ones."""
    first, second = head(np.repeat(head.output, 2, axis=0)).scores[:, None]
    if not _same(second, first, scores):
        return "two copies of the same values get different scores, as if it draws at random"
    again = head(head.output).scores
    if _same(again, scores, scores):
        return MIXED
    return (
        f"run once more on the same values it gives other scores, such as {again.flat[0]:.4g} for "
        f"{scores.flat[0]:.4g}, as if it keeps what it saw before"
    )


def _same(again: Native, scores: Native, other: Native) -> bool:
    if again.shape != scores.shape:
        return False
    seen = np.abs(scores).max(initial=0)
    scale = min(max(1.0, seen), max(seen, np.abs(other).max(initial=0)))
    return bool(np.abs(again - scores).max(initial=0) <= SAME_SCORES * scale)
