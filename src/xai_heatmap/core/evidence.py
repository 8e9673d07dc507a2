"""Everything that a method may ask for, about one image at one layer."""

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from xai_heatmap.core.affine import Affine, Slopes, fits
from xai_heatmap.core.arrays import Activation, Activations, ForAndAgainst, Gradient, Input, Values
from xai_heatmap.core.attention import Attentions
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.core.moves import Moves
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.so_far import came
from xai_heatmap.core.targets.target import Target

PLACES_AT_ONCE = 1 << 19
"""Places of all activations in a batch together: ten pictures of 224 x 224, so that what a network
holds of a batch stays below a gigabyte."""

Scored = Callable[[Iterable[Activation]], Values]
"""Head as handed to a formula that only runs it: from activations to their scores."""


@runtime_checkable
class Differentiated(Protocol):
    """Head as handed to a formula: from activations to scores, and to scores with gradients."""

    def __call__(self, activations: Iterable[Activation]) -> Values:
        """The scores of activations."""
        ...

    def gradients(self, activations: Iterable[Activation]) -> Iterator[tuple[float, Gradient]]:
        """The score and its gradient at each activation."""
        ...


@runtime_checkable
class Rerun(Protocol):
    """Network as handed to a formula: from other pictures to the evidence of each, at the same
    layer.
    """

    def __call__(self, pictures: Iterable[Input], needs: Collection[str]) -> "Iterator[Evidence]":
        """The evidence of each picture at the same layer, of the same target: what `needs`
        names, and the activation.
        """
        ...


@dataclass(frozen=True)
class Head:
    """The rest of the network, from one layer to the explained score, as a function.

    Parameters
    ----------
    recording, layer, row
        Which image, opened where; layer ``input`` is the whole network.
    target
        What is explained; fixed, whatever the activations say.
    batch
        How many activations are held and run at a time, at most.
    moves
        Keeps how far y moved meanwhile.
    slopes
        Makes ∂y/∂A of the image, for heads that are affine.
    """

    recording: Recording
    layer: str
    row: int
    target: Target
    batch: int = 32
    moves: Moves = field(default_factory=Moves)
    slopes: Slopes | None = None

    @cached_property
    def affine(self) -> Affine | None:
        """Closed form of y, if both the target and what lies behind the layer are affine."""
        weights = self.target.weights
        known = self.recording.affine(self.layer, row=self.row) if weights is not None else None
        if known is None or weights is None or self.slopes is None:
            return None
        try:
            slopes = self.slopes()
        except XaiHeatmapError:  # runs are all that such a network has
            return None
        step, rise = known
        if not np.isfinite(slopes).all() or not fits(slopes, step, float(rise @ weights)):
            return None
        activation = self.recording.activations[self.layer][self.row]
        score = float(self.target.value(self.recording.scores[self.row : self.row + 1])[0])
        self.moves.along(slopes[None], activation[None])
        return Affine(slopes, activation, score, self.moves)

    def __call__(self, activations: Iterable[Activation]) -> Values:
        """The explained score for other activations; takes any iterable and holds one batch of
        it. An iterable may give one array again and again, changed in between.
        """
        values = list[Values]()
        for batch in batched(activations, self.batch):
            values.append(self.target.value(self._replayed(batch).scores))
            came(values)
        found = np.concatenate([np.zeros(0, np.float32), *values])
        self.moves.among(found)
        return found

    def gradients(self, activations: Iterable[Activation]) -> Iterator[tuple[float, Gradient]]:
        """The explained score y and ∂y/∂A at each of the activations, one after the other."""
        for batch in batched(activations, self.batch):
            replayed = self._replayed(batch)
            values = self.target.value(replayed.scores)
            pulled = replayed.pullback(self.target.cotangent(replayed.scores))[self.layer]
            self.moves.among(values)
            self.moves.along(pulled, batch)
            yield from zip(map(float, values), pulled, strict=True)

    def _replayed(self, batch: Activations) -> Recording:
        return self.recording.replay(self.layer, batch, row=self.row)


def batched(activations: Iterable[Activation], most: int) -> Iterator[Activations]:
    """`most` at a time, or as many as half a million places allow; each is copied as it comes, into
    memory that every batch uses again.
    """
    rest = iter(activations)
    batch = None
    for first in rest:
        if batch is None:
            room = min(most, PLACES_AT_ONCE // max(math.prod(first.shape[1:]), 1))
            batch = np.empty((max(room, 1), *first.shape), np.float32)
        batch[0], filled = first, 1
        for one in itertools.islice(rest, len(batch) - 1):
            batch[filled] = one
            filled += 1
        yield batch[:filled]


@dataclass(frozen=True)
class Level:
    """Activation of one of several layers, with the gradient of y by that activation."""

    activation: Activation
    gradient: Gradient


@dataclass(frozen=True)
class Multipliers:
    """DeepLIFT's multipliers, slopes of y from 0 to A: Σ slopes ⊙ A = after - before.

    Parameters
    ----------
    slopes
        What takes the place of the gradient.
    before, after
        y of 0 and of A.
    """

    slopes: Gradient
    before: float
    after: float


@dataclass(frozen=True)
class Evidence:
    """Fields that a method may ask for, about one image at one layer; None where nobody asked.

    Parameters
    ----------
    image
        The picture as the network saw it, ``c *image``.
    activation
        A, what the layer said.
    gradient
        G = ∂y/∂A.
    score
        y, the explained number.
    head
        From other activations to y.
    model
        From other pictures, as the network takes them, to y.
    again
        From other pictures to their own evidence.
    pyramid
        This layer and the last one of every coarser grid that all paths cross, the finest first.
    stages
        This layer, and the last one before it that is at least as fine and that all paths cross,
        where there is one.
    biases
        What every bias behind the layer contributed to y, those of nonlinear operations included.
    attentions
        What the tokens of a transformer take from each other, with ∂y by it.
    balanced
        As the gradient, by LibraGrad's way back.
    secant
        As the gradient, but between 0 and A: DeepLIFT's multipliers, with y at both ends.
    moves
        How far y moved in all that a method tried; for the verdict, no method asks for it.
    """

    image: Input | None = None
    activation: Activation | None = None
    gradient: Gradient | None = None
    score: float | None = None
    head: Scored | None = None
    model: Scored | None = None
    again: Rerun | None = None
    pyramid: Sequence[Level] | None = None
    stages: Sequence[Level] | None = None
    biases: Sequence[ForAndAgainst] | None = None
    attentions: Attentions | None = None
    balanced: Gradient | None = None
    secant: Multipliers | None = None
    moves: Moves = field(default_factory=Moves)

    @classmethod
    def of(cls, **known: object) -> "Evidence":
        """Evidence of these fields, its moves among them, without a look at the others, which are
        as by default: it is made for every map of hundreds.
        """
        own = object.__new__(cls)
        vars(own).update(known)
        return own
