"""Targets that are no score: likeness to another picture, a score and what the softmax makes of it,
any function of the outputs.
"""

from collections.abc import Callable

import numpy as np

from xai_heatmap.core.arrays import ScoreRow, Scores, Values
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.rounding import OF_A_MEAN
from xai_heatmap.core.targets.answer import Answer
from xai_heatmap.core.targets.category import category, top
from xai_heatmap.core.targets.classes import both, softmax
from xai_heatmap.core.targets.numbers import numbers
from xai_heatmap.core.targets.target import Choice, Target

STEP = 1e-3
"""Step of the differences that stand for a derivative, as a share of the largest output."""

TINY = 1e-12


def likeness(to: ScoreRow) -> Choice:
    """Cosine similarity to the outputs of another picture: y = ⟨s, r⟩ / (‖s‖ ‖r‖).

    For networks whose outputs are an embedding; the map says what makes two pictures alike.

    Parameters
    ----------
    to
        The other picture's outputs, float32 (classes,), or a batch of one.

    Raises
    ------
    UnknownTarget
        For what is no row of numbers, or all 0: at once.
    """
    other = numbers(to, "likeness needs the outputs of the other picture")
    other = other[0] if other.ndim == 2 and len(other) == 1 else other
    length = float(np.linalg.norm(other))
    if other.ndim != 1 or not np.isfinite(length) or length == 0:
        raise UnknownTarget(
            "likeness needs the outputs of one other picture, finite numbers that are not all 0; "
            f"received an array of shape {other.shape}. Write xai_heatmap.likeness(outputs[0])."
        )

    def pick(answer: Answer) -> Target:
        scores = answer.scores
        if other.shape != scores.shape:
            raise UnknownTarget(
                "likeness needs the outputs of the other picture, "
                f"{counted(len(scores), 'number')}; received "
                f"{len(other)}. Give what the same network answers to it."
            )
        direction = other / length

        def value(rows: Scores) -> Values:
            return (rows @ direction) / np.maximum(np.linalg.norm(rows, axis=1), TINY)

        def cotangent(rows: Scores) -> Scores:
            lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), TINY)
            alike = (rows @ direction)[:, None] / lengths
            return ((direction - alike * rows / lengths) / lengths).astype(np.float32)

        return Target("likeness", value, cotangent)

    return Choice("likeness(...)", pick)


def residual_softmax(which: int | str | None = None) -> Choice:
    """A class by its score and by its probability: y = s_c + log p_c, ∂y/∂s = 2 e_c - p.

    Cai 2025, "CAMs as Shapley Value-based Explainers", as ReST. log p_c brings in what the other
    classes say, s_c keeps a gradient where the network is sure and that of log p_c fades. Unlike a
    score it bends, which ``shapleycam`` needs. Without a class it is the prediction.
    """
    chosen = top(1) if which is None else category(which)

    def pick(answer: Answer) -> Target:
        own = chosen(answer)
        index = own.index or 0
        if answer.kind != "classes":
            raise UnknownTarget(
                "residual_softmax needs classes of which one holds; the network answers "
                f"{answer.kind}. Give the class alone, or probability(...)."
            )

        def log_probability(rows: Scores) -> Values:
            every = both(rows)
            most = every.max(axis=1)
            total = np.exp(every - most[:, None]).sum(axis=1)
            return every[:, index] - most - np.log(total)

        def cotangent(rows: Scores) -> Scores:
            p = softmax(both(rows))
            slopes = np.eye(p.shape[1], dtype=np.float32)[index] - p
            return own.cotangent(rows) + (slopes[:, 1:] if answer.single else slopes)

        return Target(
            f"{own.label} + log p",
            lambda rows: own.value(rows) + log_probability(rows),
            cotangent,
            own.index,
        )

    def settled(answer: Answer) -> Choice:
        return residual_softmax(chosen.settled(answer)(answer).index if chosen.settled else which)

    return Choice(f"residual_softmax({'' if which is None else repr(which)})", pick, settled)


def _as_rows(gradient: Callable[[Scores], Scores], answer: Answer) -> Callable[[Scores], Scores]:
    """A derivative by what the network answers in its own axes, by the rows that it is read as."""

    def pulled(rows: Scores) -> Scores:
        return answer.form.row(gradient(answer.form.native(rows)), rows.shape[1])

    return pulled


def function(
    value: Callable[[Scores], Values],
    *,
    gradient: Callable[[Scores], Scores] | None = None,
    label: str = "y",
) -> Choice:
    """Any function of the outputs, one number an image.

    Parameters
    ----------
    value
        From outputs, float32 (n, classes), to the number of each image, (n,). Of a network that
        answers a sequence, (n, steps, classes), it gets that whole.
    gradient
        Its derivative by the outputs, (n, classes). Without it, differences of `value` are taken:
        it is called once more with two rows for each output.
    label
        What the number is, in words.

    Raises
    ------
    UnknownTarget
        Where `value` or `gradient` answer with another shape, or with NaN.
    """
    for given, name in ((value, "value"), (gradient, "gradient")):
        if not callable(given) and not (given is None and name == "gradient"):
            raise UnknownTarget(
                f"The {name} of a target is a function of the outputs, such as `lambda rows: "
                f"rows[:, 3]`; received {type(given).__name__} {given!r}."
            )

    def checked(rows: Scores) -> Values:
        return _shaped(value, rows, (len(rows),), f"{label}'s value")

    def differences(rows: Scores) -> Scores:
        step = np.float32(STEP * max(float(np.abs(rows).max(initial=0)), 1.0))
        moves = step * np.eye(rows.shape[1], dtype=np.float32)
        slopes = [_slope(checked(row + moves), checked(row - moves), step) for row in rows]
        return np.array(slopes, np.float32)

    def cotangent(rows: Scores) -> Scores:
        if gradient is None:
            return differences(rows)
        return _shaped(gradient, rows, rows.shape, f"{label}'s gradient")

    def of_all(answer: Answer) -> Target:
        native = answer.form.native
        back = None if gradient is None else _as_rows(gradient, answer)
        shown = function(lambda rows: value(native(rows)), gradient=back, label=label)
        return shown.pick(answer)

    return Choice(f"function({label})", lambda _: Target(label, checked, cotangent), of_all=of_all)


def _slope(above: Values, below: Values, step: np.float32) -> Values:
    """Central difference of `above` and `below`; 0 all over where that is nothing but rounding."""
    rise = above - below
    size = np.maximum(np.abs(above), np.abs(below)).max(initial=0)
    return rise / (2 * step) if np.abs(rise).max(initial=0) > OF_A_MEAN * size else 0 * rise


def _shaped(
    own: Callable[[Scores], object], rows: Scores, shape: tuple[int, ...], what: str
) -> np.ndarray:
    """Values of a user's function, refused unless they are finite numbers of that shape."""
    try:
        found = own(rows)
    except Exception as problem:
        raise UnknownTarget(
            f"{what} failed on outputs of shape {rows.shape}: {type(problem).__name__}: {problem}. "
            "It is given a numpy array, one row an image."
        ) from problem
    array = numbers(found, f"{what} should be finite numbers of shape {shape}")
    if array.shape != shape or not np.isfinite(array).all():
        raise UnknownTarget(
            f"{what} should be finite numbers of shape {shape}; received shape {array.shape}"
            f"{'' if array.shape != shape else ' with NaN or infinity'}."
        )
    return array
