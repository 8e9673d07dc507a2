"""Fused passes: forward, choice of the target, backward and maps as one program of a framework.

A program is told beforehand what it is to explain, as a `Seed`. What it pulled back comes out
beside its maps, so that whoever asked sees whether that was the target.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from xai_heatmap.core.affine import Step
from xai_heatmap.core.arrays import Activations, Scores
from xai_heatmap.core.attention import Block
from xai_heatmap.core.backward import BackwardRule
from xai_heatmap.core.recording import Recording, UseBias, UseGradients
from xai_heatmap.core.shapes import Float32, Int64
from xai_heatmap.core.targets.answer import Form, Meaning
from xai_heatmap.core.targets.classes import sigmoid, softmax

Link = Literal["scores", "softmax", "sigmoid"]
"""Function of the scores that a target adds up."""

PREDICTION = -1
"""Stands for the class with the highest score; of a single unit, for its sign."""

FORMULAS = ("gradcam", "hirescam", "layercam")
"""Methods that programs compute, with their default options."""

ROUNDING = 1e-6
"""Largest difference of two ways to compute one cotangent, as a share of its largest value."""

Maps = Float32[np.ndarray, "n ..."]


@dataclass(frozen=True)
class Seed:
    """Explained number of one image, y = Σ_m w_m f(s)_c, as a program takes it.

    Parameters
    ----------
    classes
        The c, numbers of units or `PREDICTION`.
    weights
        The w. Of a single unit, the weight of its prediction is for s where s > 0, else against.
    link
        The f.
    """

    classes: tuple[int, ...]
    weights: tuple[float, ...]
    link: Link = "scores"

    def cotangent(self, scores: Scores) -> Scores:
        """∂y/∂s of every row of scores."""
        v = np.zeros_like(scores)
        for own, weight in zip(self.classes, self.weights, strict=True):
            if own != PREDICTION:
                v[:, own] += weight
            elif scores.shape[1] == 1:
                v += weight * np.where(scores > 0, np.float32(1), np.float32(-1))
            else:
                v[np.arange(len(v)), scores.argmax(axis=1)] += weight
        if self.link == "softmax":
            p = softmax(scores)
            return p * (v - (p * v).sum(axis=1, keepdims=True))
        if self.link == "sigmoid":
            p = sigmoid(scores)
            return p * (1 - p) * v
        return v


@dataclass(frozen=True)
class Seeds:
    """The seeds of several images as arrays, with weights of 0 where an image has fewer."""

    classes: Int64[np.ndarray, "n m"]
    weights: Float32[np.ndarray, "n m"]
    link: Link


def stacked(seeds: Sequence[Seed]) -> Seeds | None:
    """Seeds as arrays; None where their links differ."""
    link = seeds[0].link
    if any(seed.link != link for seed in seeds):
        return None
    if all(seed is seeds[0] for seed in seeds):
        own = seeds[0]
        classes = np.array([own.classes] * len(seeds), np.int64)
        return Seeds(classes, np.array([own.weights] * len(seeds), np.float32), own.link)
    most = max(len(seed.classes) for seed in seeds)
    classes = np.zeros((len(seeds), most), np.int64)
    weights = np.zeros((len(seeds), most), np.float32)
    for row, seed in enumerate(seeds):
        classes[row, : len(seed.classes)] = seed.classes
        weights[row, : len(seed.classes)] = seed.weights
    return Seeds(classes, weights, link)


@dataclass(frozen=True)
class Strongest:
    """∂y/∂A and A of every image at the strongest place of its map, where |map| is largest; of a
    map that is 0 all over, where it would be lowest if it were not cut off.

    Parameters
    ----------
    place
        Its number, counted through the grid.
    gradient, activation
        Of all feature maps there.
    """

    place: Int64[np.ndarray, " n"]
    gradient: Float32[np.ndarray, "n k"]
    activation: Float32[np.ndarray, "n k"]


@dataclass(frozen=True)
class Fused:
    """Result of a program.

    Parameters
    ----------
    recording
        The forward pass, opened at no layer.
    cotangent
        ∂y/∂s as it was pulled back.
    maps
        By layer and formula, (n, *grid); layers of one output share one array.
    strongest
        By the same keys, where it was asked for.
    """

    recording: Recording
    cotangent: Scores
    maps: Mapping[tuple[str, str], Maps]
    strongest: Mapping[tuple[str, str], Strongest]

    def explains(self, cotangents: Scores) -> bool:
        """Whether what was pulled back is ∂y/∂s of the targets, up to rounding."""
        if self.cotangent.shape != cotangents.shape:
            return False
        far = np.abs(self.cotangent - cotangents).max(axis=1, initial=0)
        return bool((far <= ROUNDING * np.abs(cotangents).max(axis=1, initial=0)).all())


Pull = Callable[[Float32[np.ndarray, "n classes"]], Fused | None]
"""Function from ∂y/∂s to what one way back gives, None where that fails."""


class ProgramRecording(Recording):
    """Recording of a program, whose layers are opened by a pass of their own when first asked for.

    Parameters
    ----------
    closed
        The forward pass, opened at no layer.
    opened
        Makes the recording that is opened at the layers.
    """

    def __init__(self, closed: Recording, opened: Callable[[], Recording]) -> None:
        self._closed = closed
        self._record = opened

    @abstractmethod
    def pulled(self, cotangents: Float32[np.ndarray, "n classes"]) -> Fused | None:
        """What the program gives for ∂y/∂s of the targets; None where it does not explain them."""

    @property
    def is_open(self) -> bool:
        """Whether the recording that is opened at the layers has been made."""
        return "opened" in self.__dict__

    @cached_property
    def opened(self) -> Recording:
        """Recording of the same pictures, opened at the layers."""
        return self._record()

    @property
    def scores(self) -> Scores:
        """Scores, as of the program."""
        return self._closed.scores

    @property
    def meaning(self) -> Meaning:
        """Scale of the scores."""
        return self._closed.meaning

    @property
    def form(self) -> Form:
        """Layout of a row of scores."""
        return self._closed.form

    @property
    def activations(self) -> Mapping[str, Activations]:
        """Activations of the opened layers."""
        return self.opened.activations

    def pullback(
        self, cotangent: Float32[np.ndarray, "n classes"]
    ) -> Mapping[str, Float32[np.ndarray, "n k *grid"]]:
        """Gradients of the opened layers."""
        return self.opened.pullback(cotangent)

    def each_gradient(
        self,
        cotangent: Float32[np.ndarray, "n classes"],
        use: UseGradients,
        use_bias: UseBias | None = None,
    ) -> None:
        """Gradients of the opened layers, one by one."""
        self.opened.each_gradient(cotangent, use, use_bias)

    def replay(
        self, layer: str, activation: Float32[np.ndarray, "m k *grid"], *, row: int
    ) -> Recording:
        """The head behind an opened layer."""
        return self.opened.replay(layer, activation, row=row)

    def affine(self, layer: str, *, row: int) -> Step | None:
        """Step of an affine head."""
        return self.opened.affine(layer, row=row)

    def attentions(self, cotangent: Float32[np.ndarray, "n classes"]) -> Sequence[Block]:
        """Attention of every block."""
        return self.opened.attentions(cotangent)

    def by(self, rule: BackwardRule) -> Recording:
        """The same pictures by another rule."""
        return self.opened.by(rule)

    def between(self, layer: str, rule: BackwardRule, *, row: int) -> Recording:
        """Two rows, from an opened layer on."""
        return self.opened.between(layer, rule, row=row)


class FusedRecording(ProgramRecording):
    """Recording of a program that was told what to explain.

    Parameters
    ----------
    fused
        What the program gave.
    opened
        As of a `ProgramRecording`.
    """

    def __init__(self, fused: Fused, opened: Callable[[], Recording]) -> None:
        super().__init__(fused.recording, opened)
        self.fused = fused
        self.answered = False
        """Whether the maps of the program were those that were asked for."""

    def pulled(self, cotangents: Float32[np.ndarray, "n classes"]) -> Fused | None:
        """The maps there are, where those were the targets."""
        self.answered = self.fused.explains(cotangents)
        return self.fused if self.answered else None


class MappedRecording(ProgramRecording):
    """Recording of a forward pass whose way back ends in maps, for several targets.

    Parameters
    ----------
    closed, opened
        As of a `ProgramRecording`.
    pull
        One way back.
    """

    def __init__(self, closed: Recording, pull: Pull, opened: Callable[[], Recording]) -> None:
        super().__init__(closed, opened)
        self._pull = pull

    def pulled(self, cotangents: Float32[np.ndarray, "n classes"]) -> Fused | None:
        """The maps of one way back."""
        return self._pull(cotangents)
