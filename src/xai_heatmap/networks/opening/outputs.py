"""Conversion of any output of a model to one row of scores per image."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import NoScores
from xai_heatmap.networks.opening.chosen_inside import check_unchosen

LIKELY = ("logits", "scores", "output", "out", "predictions", "probs")
"""Usual keys of the scores, most telling first."""

TOLD = "outputs told"
"""Key of what is said to the user of outputs that are not explained."""


def scores_in(output: Any, *, images: int | None = None, which: str | int | None = None) -> Any:
    """The tensor of scores in a model's output: (n, classes), or with a grid beside the classes;
    still of the framework, still differentiable.

    Parameters
    ----------
    output
        A tensor, or a tuple, list, dict or object that holds it.
    images
        How many pictures went in, where that is known.
    which
        Key or index of the one meant, where there are several.

    Raises
    ------
    NoScores
        If nothing in the output reads as scores, or the model has chosen among them already.
    """
    if which is None:
        check_unchosen(output, images=images)
        _tell_of_others(output)
    chosen = held(output, which) if which is not None else _likely(output)
    shape = getattr(chosen, "shape", None)
    if shape is None:
        raise NoScores(
            f"The model answers {described(output)}; scores were expected: a tensor of (images, "
            f"classes), "
            "or a tuple, dict or object with `.logits` that holds one. Say which with output=KEY."
        )
    _check_numbers(chosen, output)
    if which is None:
        _check_followed(chosen, output)
    if images is not None and _squeezed(shape, images):
        return chosen.reshape((1, -1))
    if images is not None and len(shape) > 0 and shape[0] is not None and shape[0] != images:
        raise NoScores(_other_rows(output, tuple(shape), images))
    if len(shape) == 1:
        return chosen[:, None]
    if len(shape) > 2 and all(size == 1 for size in shape[2:]):
        return chosen[(..., *[0] * (len(shape) - 2))]
    return chosen


_local = threading.local()


@contextmanager
def noticed(kept: dict[Any, Any]) -> Iterator[None]:
    """A block in which other outputs that could be scores are noted in `kept`, under `TOLD`."""
    before, _local.kept = getattr(_local, "kept", None), kept
    try:
        yield
    finally:
        _local.kept = before


def _tell_of_others(output: Any) -> None:
    """Note outputs that read as scores just as well as the first, which is the one explained."""
    kept = getattr(_local, "kept", None)
    if kept is None or not isinstance(output, Mapping | tuple | list) or len(output) < 2:
        return
    if isinstance(output, Mapping) and any(key in output for key in LIKELY):
        return
    chosen = _likely(output)
    values = [*(output.items() if isinstance(output, Mapping) else enumerate(output))]
    first = next((key for key, value in values if value is chosen), None)
    others = [key for key, value in values if value is not chosen and _alike(value, chosen)]
    if others and first is not None:
        kept[TOLD] = told_of([(k, _long(v.shape)) for k, v in values if k in (first, *others)])


def told_of(outputs: Sequence[tuple[object, int]]) -> str:
    """What is said to the user of several outputs by their keys and how many scores each has, the
    first of which is explained.
    """
    names = ", ".join(
        f"{key!r} ({counted(long, 'number') if long else 'any number'})" for key, long in outputs
    )
    return (
        f"The model has {counted(len(outputs), 'output')} that could be scores: {names}. "
        f"{outputs[0][0]!r} is explained; say output={outputs[1][0]!r} for another."
    )


def _long(shape: Any) -> int:
    return int(shape[1] or 0) if len(shape) > 1 else 1


def _alike(value: Any, chosen: Any) -> bool:
    """Whether a value is numbers for each picture, as the chosen one."""
    shape, own = getattr(value, "shape", None), getattr(chosen, "shape", None)
    if shape is None or own is None or len(shape) != len(own) or len(own) > 2:
        return False
    return "float" in str(getattr(value, "dtype", "")) and shape[0] == own[0]


def _other_rows(output: Any, shape: tuple[int, ...], images: int) -> str:
    """Message about scores whose first axis does not count the pictures."""
    said = described(output)
    sizes = "" if hasattr(output, "shape") else f", of shape {'x'.join(map(str, shape))},"
    rows, rest = divmod(shape[0], images)
    several = rows > 1 and not rest and len(shape) == 2
    return (
        f"The model answers {said}{sizes} for {counted(images, 'picture')}; one row of scores for "
        "each was expected. Wrap the model so that the pictures stay the first axis"
        + (
            f", such as by .view(-1, {rows}, {shape[1]}).mean(1) of {counted(rows, 'frame')}."
            if several
            else "."
        )
    )


def _check_numbers(chosen: Any, output: Any) -> None:
    """Check that the chosen output is a differentiable tensor of scores."""
    said, dtype = described(output), str(getattr(chosen, "dtype", "")).lower()
    expected = "scores were expected: a tensor of real numbers, (images, classes)"
    if isinstance(chosen, np.ndarray | np.generic):
        raise NoScores(
            f"The model answers {said}, an array of numpy, from which no way leads back; "
            f"{expected}. Leave `.detach().numpy()` out of the model."
        )
    if any(kind in dtype for kind in ("bool", "int", "complex", "string")) and "q" not in dtype:
        raise NoScores(
            f"The model answers {said} of {dtype}, a choice that is made already; {expected}. Let "
            "it answer what it chooses by, before `>`, `argmax` or `round`."
        )
    if "sparse" in str(getattr(chosen, "layout", "")):
        raise NoScores(f"The model answers {said}, sparse; {expected}. End it in `.to_dense()`.")
    if 0 in tuple(chosen.shape)[1:]:
        raise NoScores(
            f"The model answers {said}, no class at all; {expected}. Check what it was built for."
        )


def _check_followed(chosen: Any, output: Any) -> None:
    """Refuse a value that does not depend on the picture by any derivative, beside one that does:
    a class that was chosen already, though its number is a float.
    """
    if not isinstance(output, Mapping | tuple | list) or getattr(chosen, "requires_grad", True):
        return
    values = output.items() if isinstance(output, Mapping) else enumerate(output)
    other = next((key for key, own in values if getattr(own, "requires_grad", False)), None)
    if other is not None:
        raise NoScores(
            f"The model answers {described(output)}, and no derivative leads back from the first "
            "that could be scores: a choice that is made already, as by argmax. Another has one: "
            f"say output={other!r}."
        )


def _squeezed(shape: Any, images: int) -> bool:
    """Whether the axis of a single image was squeezed away, along with other axes of length one."""
    return images == 1 and (len(shape) == 0 or (len(shape) == 1 and shape[0] != 1))


def _likely(output: Any) -> Any:
    if isinstance(output, Mapping):
        return next(
            (output[key] for key in LIKELY if key in output), next(iter(output.values()), None)
        )
    if isinstance(output, tuple | list):
        return next(
            (x for x in output if len(getattr(x, "shape", ())) == 2), output[0] if output else None
        )
    return getattr(output, "logits", output)


def held(output: Any, which: str | int | None) -> Any:
    """Entry of an output under a key, an index or a name."""
    try:
        within: Any = output if isinstance(output, Mapping | tuple | list) else vars(output)
        return within[which]
    except (KeyError, IndexError, TypeError):
        raise NoScores(f"The model's output has no {which!r}; it is {described(output)}.") from None


def described(output: Any) -> str:
    """Description of a model's output in words."""
    if isinstance(output, Mapping):
        return f"a dict of {', '.join(map(str, output))}"
    if isinstance(output, tuple | list):
        return f"{counted(len(output), 'value')}: {', '.join(map(described, output))}"
    shape = getattr(output, "shape", None)
    return (
        f"{type(output).__name__} of shape {tuple(shape)}"
        if shape is not None
        else type(output).__name__
    )
