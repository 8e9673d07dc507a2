"""Steps of another library's preprocessing, and which of these steps draw at random."""

import re
from collections.abc import Iterator
from typing import Any

DRAWING = re.compile(r"\w*(?:Random|Jitter|Augment|AugMix|Erasing|CutMix|MixUp)\w*")
"""Names of steps that draw at random."""


def said(own: Any) -> str:
    """Description of a preprocessing: its own words, and the names of its steps."""
    within = [
        one
        for attribute in ("transforms", "layers", "steps")
        for one in listed(getattr(own, attribute, None))
    ]
    try:
        words = repr(own)
    except Exception:  # noqa: BLE001 - a name will do
        words = type(own).__name__
    names = ", ".join(type(one).__name__ for one in within)
    return f"{type(own).__name__} {words} {names}".strip()


def coins_alone(own: Any) -> bool:
    """Whether each step of a preprocessing that draws does so with a probability of 0 or 1: what
    else may be random in these steps shows when they are asked again.
    """
    drawing = [one for one in steps(own) if DRAWING.fullmatch(type(one).__name__)]
    return bool(drawing) and all(getattr(one, "p", None) in (0, 1) for one in drawing)


def steps(own: Any) -> Iterator[Any]:
    """The preprocessing itself, and all steps that it consists of."""
    yield own
    for attribute in ("transforms", "layers", "steps"):
        for one in listed(getattr(own, attribute, None)):
            yield from steps(one)


def listed(steps: Any) -> list[Any]:
    """A list of steps; nothing of what is no list."""
    return list(steps) if isinstance(steps, list | tuple) else []
