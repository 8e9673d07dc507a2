"""Any Python function from pictures to scores, as a network whose one layer is the picture."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from xai_heatmap.core.arrays import Activations, Inputs, Scores
from xai_heatmap.core.axes import Axes, check_convention, checked, usual
from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, NonFiniteScores, NoRule, NoScores
from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.network import INPUT, Declared, Layer, Layers, Network, Survey
from xai_heatmap.core.recording import Recording, UseBias, UseGradients
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.answer import ROW, Form, Meaning
from xai_heatmap.networks.opening.held import Given, Name
from xai_heatmap.networks.opening.inputs import check_input
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY
from xai_heatmap.networks.opening.meaning import may_be_probabilities, meaning_in
from xai_heatmap.networks.opening.score_layout import reading
from xai_heatmap.networks.opening.unchanged import random_states

REASON = "of a function only the picture can be seen"

BATCH = 32
"""Pictures per call of the function."""


def open_function(
    model: Callable[[Inputs], Any],
    *,
    image_shape: Sequence[int] | None = None,
    output: str | int | None = None,
    keep_closing: bool = False,
    held: Given = MappingProxyType({}),
    picture: Name | None = None,
    axes: Axes | None = None,
) -> Network:
    """A function as a network.

    It is given float32 (n, c, H, W) as the preprocessing makes them, or (n, ...) in the axes that
    are named, at most 32 at a time, and answers (n, classes), or (n,) for one number an image.
    """
    if output is not None or keep_closing:
        raise BadOption(
            "A function answers what is to be explained; output and keep_closing are for models. "
            "Let the function pick its output itself."
        )
    if held or picture is not None:
        raise BadOption(
            "A function is given the picture alone; held and picture are for models. Let the "
            "function fill in the rest: lambda x: function(x, metadata)."
        )
    shape = tuple(image_shape) if image_shape else None
    if shape and axes is None:
        name = getattr(model, "__name__", type(model).__name__)
        check_convention(usual(len(shape) - 1), shape, name=name)
    return BlackBox(model, axes.lengths(shape, 1) if axes and shape else shape, axes)


class BlackBox(Network):
    """Network over a function, without inner layers and without derivative."""

    def __init__(
        self,
        function: Callable[[Inputs], Any],
        image_shape: tuple[int, ...] | None,
        axes: Axes | None = None,
    ) -> None:
        self._function = function
        self._image_shape = image_shape
        self._axes = axes
        self.form = ROW
        self._meanings: dict[tuple[int, ...], Meaning] = {}

    @property
    def name(self) -> str:
        """The function's own name."""
        return getattr(self._function, "__name__", type(self._function).__name__)

    @property
    def declared(self) -> Declared:
        """The shape that was given."""
        return Declared(
            self._image_shape, axes=None if self._axes is None else len(self._axes.grid)
        )

    @property
    def channels_last(self) -> bool:
        """Functions are given channels first, or in the axes that are named."""
        return False

    @property
    def axes_said(self) -> bool:
        """Whether a user named the axes of the input."""
        return self._axes is not None

    def axes_of(self, shape: Sequence[int]) -> Axes:
        """Axes as named by the user, else channels first."""
        return self._axes or super().axes_of(shape)

    def understood(self, shape: Sequence[int]) -> Axes | None:
        """Axes as named by the user, checked against `shape`; None where none were named."""
        if self._axes is not None:
            checked(self._axes, shape)
        return self._axes

    def channels_first(self, native: np.ndarray) -> np.ndarray:
        """(n, c, *image) of inputs in the axes of the function."""
        if self._axes is not None:
            checked(self._axes, native.shape[1:])
        return super().channels_first(native)

    @property
    def closing(self) -> Literal["softmax", "sigmoid"] | None:
        """Nobody can know."""
        return None

    @property
    def differentiable(self) -> bool:
        """A function has no derivative that could be asked for."""
        return False

    @property
    def layers(self) -> Mapping[str, Layer]:
        """The picture."""
        return self.survey(self._image_shape or (3, 224, 224)).layers

    def survey(self, shape: Sequence[int]) -> Survey:
        """The picture is all there is; the function does not run."""
        layout = Layout("channels_first", tuple(shape[1:]))
        return Survey({INPUT: Layer(INPUT, tuple(shape), "input", layout)}, INPUT, REASON)

    def record(self, x: Inputs, at: Layers = (), *, rule: BackwardRule = GRADIENT) -> Recording:
        """Recording of the scores; one call of the function for every 32 pictures."""
        check_input(x)
        if self._axes is None:
            shape = x.shape[1:]
            check_convention(usual(len(shape) - 1), shape, name=self.name)
        names = select(self.survey(x.shape[1:]), at) if at else []
        return BlackRecording(self, x, self.scores(x), {INPUT: x} if names else {})

    def scores(self, x: Inputs) -> Scores:
        """Scores of the function.

        Raises
        ------
        NoScores
            If it is not one row of numbers for each picture.
        NonFiniteScores
            If it holds NaN or infinity.
        """
        return np.concatenate(
            [self._answer(x[start : start + BATCH]) for start in range(0, len(x), BATCH)]
        )

    def meaning(self, x: Inputs, scores: Scores) -> Meaning:
        """Meaning of the scores, decided once for pictures of a shape: by the scores of noise, or,
        where the function fails on noise, by `scores` of the first pictures in doubt.
        """
        if not may_be_probabilities(scores, self.form):
            return "logits"
        shape = x.shape[1:]
        if shape not in self._meanings:
            noise = np.random.default_rng(0).random((IMAGES_IN_A_SURVEY, *shape), np.float32)
            try:
                asked = self._answer(noise)
            except Exception:  # noqa: BLE001 - a user's own code, of pictures that it never expected
                asked = scores
            self._meanings[shape] = meaning_in(asked, self.form, keep_closing=True)
        return self._meanings[shape]

    def _answer(self, x: Inputs) -> Scores:
        with random_states():
            answer = self._function(x if self._axes is None else self._axes.turned(x))
        try:
            own = np.asarray(answer)
            _check_numbers(own, self.name)
            rows = own.astype(np.float32)
        except (TypeError, ValueError) as problem:
            raise NoScores(
                f"{self.name} answers a {type(answer).__name__}, which numpy can't read: "
                f"{problem}. Let it answer an array (images, classes)."
            ) from problem
        rows = rows[:, None] if rows.ndim == 1 else rows
        if rows.ndim < 2 or len(rows) != len(x):
            raise NoScores(
                f"{self.name} answers an array of shape {np.shape(answer)} for "
                f"{counted(len(x), 'picture')}; "
                "one row of scores for each was expected, (images, classes)."
            )
        if not np.isfinite(rows).all():
            raise NonFiniteScores(
                f"{self.name} answers NaN or infinity. Check what it computes and how the pictures "
                "are prepared."
            )
        own = reading(rows.shape, image=x.shape[2:], channels_last=False)
        self.form = own.form
        return own.rows(rows)


def _check_numbers(own: np.ndarray, name: str) -> None:
    """Refuse an answer that is chosen already: truth values, names, one whole number a picture."""
    chosen = own.ndim == 1 and own.dtype.kind in "iu"
    if chosen or own.dtype.kind not in "fiuO" or 0 in own.shape[1:]:
        kind = "str" if own.dtype.kind in "US" else own.dtype
        raise NoScores(
            f"{name} answers {kind} of shape {own.shape}, which are no scores: real numbers were "
            "expected, (images, classes), or (images,) for one number a picture. Let it answer "
            "what it chooses by, before `>` or `argmax`: predict_proba or decision_function "
            "instead of predict; numbers that are whole by nature as float."
        )


class BlackRecording(Recording):
    """Recording of a function: scores only, and the input as a layer."""

    def __init__(
        self, box: BlackBox, x: Inputs, scores: Scores, activations: Mapping[str, Activations]
    ) -> None:
        self._box = box
        self._x = x
        self._scores = scores
        self._activations = activations

    @property
    def scores(self) -> Scores:
        """Scores, one row per image."""
        return self._scores

    @property
    def meaning(self) -> Meaning:
        """Meaning of the scores: probabilities, or logits."""
        return self._box.meaning(self._x, self._scores)

    @property
    def form(self) -> Form:
        """Form of the rows: one score per class, or one per class and place."""
        return self._box.form

    @property
    def activations(self) -> Mapping[str, Activations]:
        """The pictures themselves."""
        return self._activations

    def pullback(
        self, cotangent: Float32[np.ndarray, "n classes"]
    ) -> Mapping[str, Float32[np.ndarray, "n k *grid"]]:
        """Always refused: a function has no derivative.

        Raises
        ------
        NoRule
            Always.
        """
        raise NoRule(
            f"{self._box.name} is a function, which has no derivative. Choose a method without "
            "gradients, such as occlusion or rise."
        )

    def each_gradient(
        self,
        cotangent: Float32[np.ndarray, "n classes"],
        use: UseGradients,
        use_bias: UseBias | None = None,
    ) -> None:
        """As `pullback`."""
        self.pullback(cotangent)

    def replay(
        self, layer: str, activation: Float32[np.ndarray, "m k *grid"], *, row: int
    ) -> Recording:
        """The function of other pictures."""
        return BlackRecording(
            self._box, activation, self._box.scores(activation), {INPUT: activation}
        )
