"""A network that can be opened at its layers: its layers, its survey, its declarations."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NoReturn

import numpy as np

from xai_heatmap.core.arrays import Inputs
from xai_heatmap.core.axes import Axes, usual
from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.core.errors import BadOption, NotAModel
from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.layers.placing import Extent
from xai_heatmap.core.programmable import Programmable
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.redrawing import Redrawable
from xai_heatmap.core.targets.answer import Kind
from xai_heatmap.core.wing import wing

INPUT = "input"
"""The name of layer zero, the picture itself."""


@dataclass(frozen=True)
class Layer:
    """One place where a network can be opened.

    Parameters
    ----------
    name
        The full path. A part that runs several times has one entry a call: ``relu#1``, ``relu#2``.
    shape
        (k, *grid) where there is a grid, otherwise the output's own shape; without the image
        axis.
    kind
        What it is: the class of the part, or the operator.
    layout
        How its output is read, None where it has no grid.
    without
        Why it has no grid, where its shape alone does not say so.
    extent
        Where its cells lie side by side: start and stop on each axis of the input, in places of the
        input. Beyond the input where a layer was padded, inside of it where borders were cut off.
        None: from one end to the other.
    placed
        Whether that is known; where it is not, cells are drawn over all of the input.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    layout: Layout | None
    without: str = ""
    extent: Extent | None = None
    placed: bool = True

    @property
    def grid(self) -> tuple[int, ...] | None:
        """Length of each grid axis, None where there is no grid."""
        return self.layout.grid if self.layout else None

    @property
    def places(self) -> int:
        """Number of places that a map of this layer can tell apart; 0 without a grid."""
        return math.prod(self.layout.grid) if self.layout else 0


@dataclass(frozen=True)
class Survey:
    """Layers of a network for inputs of one shape, and which layer to look at first.

    Parameters
    ----------
    layers
        In order of execution, the input first.
    auto
        The last grid larger than 1x1 that every path to the output crosses; None without any grid.
    reason
        Why that one, in words.
    levels
        The last layer of each finer grid that every path to the output crosses, and `auto`: the
        finest first.
    queries
        How many boxes a detector answers; None of any other network.
    beside
        Layers that only what is held reaches, which are not listed.
    heads
        What a detector's head reads, one layer a grid, the finest first, each with the last layers
        of that grid behind it. For a box, ``auto`` is the one whose own it hangs on.
    """

    layers: Mapping[str, Layer]
    auto: str | None
    reason: str
    levels: tuple[str, ...] = ()
    queries: int | None = None
    beside: frozenset[str] = frozenset()
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


Layers = str | int | Sequence[str | int]
"""``auto``, ``all``, a name, a glob, an index among the grids, or several of these."""


@dataclass(frozen=True)
class Declared:
    """Facts that a model states about itself; None where the model states nothing.

    Parameters
    ----------
    input_shape
        (c, *image) that it was built for.
    preprocess
        How it wants its pictures: keyword arguments of a preprocessing, the name of a preset, or
        another library's object that prepares them.
    labels
        Names of the classes in output order.
    method
        That its maps were built in with, of a file that was exported with maps.
    answers
        Whether its scores are of classes, of labels that several may hold of, or plain values.
    axes
        Of the grid that its input lies on, where no shape is said: 1 for signals, 2 for pictures,
        3 for volumes.
    changes
        What was changed of the model so that it can be explained, in sentences: it then is not
        what its own runtime computes.
    fit
        How its framework makes a picture fit, where no preprocessing says it, as `Preprocess` does.
    channels
        That its first part takes, where no shape is said.
    """

    input_shape: tuple[int, ...] | None = None
    preprocess: Mapping[str, object] | str | object | None = None
    labels: tuple[str, ...] | None = None
    method: str | None = None
    answers: Kind | None = None
    axes: int | None = None
    changes: tuple[str, ...] = ()
    fit: str | None = None
    channels: int | None = None

    @property
    def rank(self) -> int | None:
        """Number of axes of the input's grid, by the declared shape or else as declared."""
        return self.axes if self.input_shape is None else len(self.input_shape) - 1


class Network(Redrawable, Programmable, ABC):
    """A model that can be opened at its layers."""

    def __copy__(self) -> "Network":
        """Copy of the network, over the same model."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        return other

    def __reduce__(self) -> NoReturn:
        """There is none.

        Raises
        ------
        NotAModel
            Always: locks and compiled graphs belong to one process.
        """
        raise NotAModel(
            f"A network that is opened can't be pickled or copied deeply; this one is of "
            f"{self.name}. Pickle or copy the model, and open it where it is needed: "
            "xai_heatmap.network(model)."
        )

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the model."""

    @property
    @abstractmethod
    def declared(self) -> Declared:
        """Facts that the model states about itself."""

    @property
    @abstractmethod
    def channels_last(self) -> bool:
        """Whether the model's own input has its channels last."""

    @property
    @abstractmethod
    def closing(self) -> Literal["softmax", "sigmoid"] | None:
        """The function that turns the scores into probabilities, as far as the model says."""

    @property
    def differentiable(self) -> bool:
        """Whether gradients may be asked for at all; a single operator may still have none."""
        return True

    @property
    def notes(self) -> Sequence[str]:
        """How the model is run, where that is not as usual, in sentences: the memory layout of its
        pictures, the threads of its runtime. The maps are the same.
        """
        return ()

    @property
    def framework(self) -> str:
        """What runs the model: ``torch``, ``keras``, ``onnx``, ``function``, or another package."""
        return wing(type(self))

    @property
    @abstractmethod
    def layers(self) -> Mapping[str, Layer]:
        """Every layer in order of execution, for the input shape that the model declares."""

    @abstractmethod
    def survey(self, shape: Sequence[int]) -> Survey:
        """Layers of the network for inputs of `shape` (c, *image); kept for the next call."""

    @abstractmethod
    def record(self, x: Inputs, at: Layers = (), *, rule: BackwardRule = GRADIENT) -> Recording:
        """One forward pass, opened at the layers meant: names, globs, indices, auto or all.

        The way back is that of the rule. A rule of terms, such as `BIASES`, keeps what is added
        behind the first of the layers: v - Σ J u of every operation from u to v, where J is its
        derivative.
        """

    def name_of(self, part: object) -> str | None:
        """The name of the layer that a part of the model is, None for any other object."""
        return None

    def axes_of(self, shape: Sequence[int]) -> Axes:
        """Axes of an input of that `shape`, in the network's own order."""
        return usual(max(len(shape) - 1, 1), channels_last=self.channels_last)

    @property
    def axes_said(self) -> bool:
        """Whether a user named the axes of the network's input."""
        return False

    def understood(self, shape: Sequence[int]) -> Axes | None:
        """Axes of such an input, if a user said them or the network was seen to read them so; else
        None.
        """
        del shape
        return None

    def channels_first(self, native: np.ndarray) -> np.ndarray:
        """(n, c, *image) of inputs (n, ...) in the network's own axes."""
        return self.axes_of(native.shape[1:]).channels_first(native)

    def holding(self, held: Mapping[str | int, object]) -> "Network":
        """Copy of the network with other values for what the model takes beside the picture.

        Raises
        ------
        BadOption, BadArray
            If it takes no such inputs.
        """
        raise BadOption(
            f"{self.name} takes nothing beside the picture; {', '.join(map(repr, held))} can't be "
            "held. A function is given the rest where it is made: "
            "xai_heatmap.network(lambda x: function(x, metadata))."
        )

    def of(self, rows: Sequence[int]) -> "Network":
        """Network for some rows of the pictures, where a value is held for each picture."""
        return self

    def for_heads(self, layers: Sequence[str]) -> "Network":
        """Network whose recordings may keep what it takes to run what lies behind `layers`."""
        del layers
        return self

    def check_held(self, images: int) -> None:
        """Check that each held value has one row for all of so many pictures, or one for each
        picture.

        Raises
        ------
        BadArray
            If it has not.
        """
