"""Interfaces of an adapter (one model) and of an engine (one framework)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.axes import Axes
from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.layers.placing import Windows
from xai_heatmap.core.network import Declared
from xai_heatmap.core.shapes import Shaped
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.changes import Moves
from xai_heatmap.networks.opening.held import Given, Held
from xai_heatmap.networks.opening.side_by_side import Output
from xai_heatmap.networks.opening.taps import Site

Closing = Literal["softmax", "sigmoid"]
Bias = Shaped[np.ndarray, "..."]
"""Bias term of an operation; broadcasts to the operation's output."""
UseNative = Callable[[Sequence[str], Native], None]

IMAGES_IN_A_SURVEY = 2
"""Images in a survey: with one, an axis of length one would be ambiguous."""


@dataclass(frozen=True)
class Undo:
    """Final activation to be left out so that a model ends in its logits: that of a part, or a mark
    that the engine made.
    """

    part: object | None = None
    mark: Any = None


@runtime_checkable
class Adapter(Protocol):
    """Description of a model that an engine needs to run the model."""

    name: str
    declared: Declared
    channels_last: bool
    method: str

    @property
    def axes(self) -> Axes | None:
        """Axes of the input, None where the axes are as `channels_last` says."""
        ...

    def turned(self, axes: Axes | None) -> "Adapter":
        """Adapter of the same model for inputs in the axes `axes`."""
        ...

    @property
    def held(self) -> Held:
        """Held inputs: the inputs of the model beside the picture."""
        ...

    def taking(self, given: Given) -> "Adapter":
        """Adapter of the same model with the user's values `given` added to the held inputs."""
        ...

    def holding(self, held: Held) -> "Adapter":
        """Adapter of the same model with the held inputs `held`: some rows, or native tensors."""
        ...

    @property
    def output(self) -> Output:
        """The model's output that is explained, None where none was named."""
        ...

    @property
    def boxes(self) -> Boxes | None:
        """Boxes of a detector: as named by the user, or as found when the model last ran."""
        ...

    @property
    def others(self) -> Sequence[str]:
        """Inputs that the model could take and is not given."""
        ...

    def parts(self) -> Mapping[str, object]:
        """Every part of the model by the full path of the part, without the model itself."""
        ...

    def ready(self) -> AbstractContextManager[object]:
        """Context in which the model runs in inference mode; the mode is put back afterwards."""
        ...

    def scores(self, x: Any) -> Any:
        """Call the model on a native tensor and return differentiable scores."""
        ...

    def closing_of(self, part: object) -> Closing | None:
        """Final activation that `part` applies to its own output, else None."""
        ...

    def undone(self, part: object | None) -> AbstractContextManager[object]:
        """Context in which the final activation of `part` is replaced by the identity."""
        ...


@dataclass(frozen=True)
class LayerCall:
    """One call of one part: path, number of the call, class, shape of the main tensor, node in the
    flow.
    """

    path: str
    call: int
    kind: str
    shape: tuple[int, ...]
    node: int


@dataclass(frozen=True)
class ModelTrace:
    """Trace of one forward pass.

    Parameters
    ----------
    calls
        In order of completion.
    sources, image, output, sums
        The flow, as in `Flow`.
    last
        Paths of the parts whose answer *is* the model's own.
    closing, mark
        A closing function that no part owns, and how the engine leaves it out.
    scores
        The shape of what the model answers.
    boxes
        How that is read, of a detector.
    names
        Of the scores, where several outputs stand side by side in them.
    elsewhere
        Paths of the parts that also run on what is held alone.
    answers
        One row of scores for each picture, where it was kept.
    passing
        Nodes that mix no features, as in `Flow`.
    moves
        What the second picture changed in each call, by path and call; None of an engine that
        computes no numbers to look around.
    shifting
        Whether any operation may bring what lies at one place of the picture to another.
    windows
        Through which windows nodes read places; None of an engine that does not tell.
    """

    calls: Sequence[LayerCall]
    sources: Mapping[int, Sequence[int]]
    image: int
    output: int
    sums: frozenset[int]
    last: Sequence[str]
    closing: Closing | None = None
    mark: Any = None
    scores: tuple[int, ...] = ()
    boxes: Boxes | None = None
    names: tuple[str, ...] = ()
    elsewhere: frozenset[str] = frozenset()
    answers: Native | None = None
    passing: frozenset[int] = frozenset()
    moves: Mapping[tuple[str, int], Moves] | None = None
    shifting: bool = True
    windows: Windows | None = None


@dataclass(frozen=True)
class Recorded:
    """Recording of an engine: numpy arrays in the layers' own layouts, and the backward pass.

    Images come first, but where the outputs are attention, as the model shaped it. `stream` is the
    way back for an engine that need not hold all gradients at a time. `biases` are what operations
    add, v - Σ J u, each under a name of its own, which the way back also answers: with the gradient
    of v. They broadcast to v. `memories` are what an engine that is a
    `Remembering` keeps of the pass for heads behind a layer.
    """

    scores: Native
    outputs: Mapping[str, np.ndarray]
    pullback: Callable[[Native], Mapping[str, np.ndarray]]
    stream: Callable[[Native, UseNative], None] | None = None
    biases: Mapping[str, Bias] = field(default_factory=dict)
    memories: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Head(Protocol):
    """The network behind one layer, for one image."""

    output: Native
    """Output of the layer for the image itself: (1, ...)."""

    def __call__(self, output: Native) -> Recorded:
        """Scores for other outputs of the layer, opened at the layer."""
        ...

    def between(self, other: Native, rule: BackwardRule) -> Recorded:
        """Recording of two rows, the layer's own output and `other`; the backward pass from the
        first row has slopes between both rows, by `rule`, in place of derivatives.

        Raises
        ------
        NoRule
            If there is an operation behind the layer that no rule is known for.
        """
        ...


@runtime_checkable
class Engine(Protocol):
    """Following, differentiating and replaying values in one framework."""

    def survey(self, adapter: Adapter, x: Native) -> ModelTrace:
        """Watch every part once, with the two pictures of `layout_probe`."""
        ...

    def answers(
        self, adapter: Adapter, x: Native, sites: Mapping[str, Site]
    ) -> Mapping[str, np.ndarray]:
        """Output of every site, in one forward pass."""
        ...

    def consumed(self, adapter: Adapter, shape: tuple[int, ...]) -> Consumed:
        """Channel axis of an input of `shape`, where the model shows the axis."""
        ...

    def record(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        *,
        rule: BackwardRule = GRADIENT,
    ) -> Recorded:
        """Recording of one forward pass with taps at `sites`; sites that never ran are missing from
        the outputs. The backward pass follows `rule`; a rule of bias terms records the terms of
        every operation that depends on a site.

        Raises
        ------
        NoRule
            If the framework does not carry the rule out.
        """
        ...

    def head(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, *, whole: bool
    ) -> Head:
        """Head: the part of the model behind `site`, for the one image `x`; with `whole`, every run
        is a whole forward pass in which the output of `site` is replaced.
        """
        ...

    def attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """Recording of one forward pass with attention written out: the output of each softmax, in
        order of execution.
        """
        ...


@runtime_checkable
class Remembering(Protocol):
    """An engine whose heads start from what the recorded pass left, without a pass of their own."""

    def remembering(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        heads: Sequence[str],
    ) -> Recorded:
        """As `Engine.record` of one image, with a memory for each of the layers `heads`, as far as
        nothing wrote into it afterwards.
        """
        ...

    def head_from(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, memory: Any
    ) -> Head:
        """As `Engine.head` that is not whole, from a memory."""
        ...
