"""Affine heads: the score of any activation in closed form, without a run of the network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, ScoreRow, Values
from xai_heatmap.core.moves import Moves

FITS = 1e-4
"""Largest difference of a rise from the slopes' own, relative to what the slopes add up."""


@dataclass(frozen=True)
class Affine:
    """The explained score behind a layer that only what is affine follows, such as an average and a
    linear layer: y(A') = y(A) + Σ ∂y/∂A ⊙ (A' - A) for every A'.

    Parameters
    ----------
    slopes
        ∂y/∂A, the same at every activation.
    activation, score
        A and y(A) of the image itself.
    moves
        Keeps how far y moves for the activations that a formula asks about.
    """

    slopes: Gradient
    activation: Activation
    score: float
    moves: Moves

    def rises(self, steps: np.ndarray) -> Values:
        """What steps (k, *grid) add to the score, each feature map alone: one number a map."""
        each = (self.slopes * steps).reshape(len(steps), -1).sum(axis=1, dtype=np.float64)
        return each.astype(np.float32)

    def at(self, other: Activation) -> float:
        """The score of another activation."""
        return self.score + float(self.rises(other - self.activation).sum(dtype=np.float64))

    def between(self, *others: Activation) -> Values:
        """The scores of other activations."""
        values = np.array([self.at(other) for other in others], np.float32)
        self.tried(values)
        return values

    def tried(self, *values: float | Values) -> None:
        """Take note of scores that a map is made of, as of a head that ran."""
        self.moves.among(np.concatenate([np.atleast_1d(np.float32(own)) for own in values]))


def affine(head: object) -> Affine | None:
    """Closed form of a head, None of one that has to run."""
    found = getattr(head, "affine", None)
    return found if isinstance(found, Affine) else None


def fits(slopes: Gradient, step: Activation, rise: float) -> bool:
    """Whether slopes give the rise of a step that the head itself was seen to make."""
    added = slopes * step
    size = max(float(np.abs(added).sum(dtype=np.float64)) / np.sqrt(max(added.size, 1)), abs(rise))
    return bool(abs(float(added.sum(dtype=np.float64)) - rise) <= FITS * size)


Slopes = Callable[[], Gradient]
"""Function that makes ∂y/∂A of one image at one layer."""

Step = tuple[Activation, ScoreRow]
"""Step of an activation, and what it adds to the scores behind it."""
