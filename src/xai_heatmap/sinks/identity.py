"""Identity of the result in a saved file, so that a file is replaced by the same result alone."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import PIL.Image

from xai_heatmap.core.plain import plain

METADATA = "xai-heatmap"
"""Key under which a picture carries the manifest."""

IDENTITY = "identity"
"""The key of a result's identity in the manifest, and in a picture's metadata."""

ASIDE = (
    "image",
    "layer_reason",
    "notes",
    "predictions",
    "tested",
    "verdict",
    "xai_heatmap",
)
"""Facts that are not the question: what the picture is called, and what is said of the answer."""

DIGITS = 4
"""Digits of a score that tell two networks apart; the rest may be rounding."""


def identity(explained: np.ndarray, facts: Mapping[str, object]) -> str:
    """A digest of a picture and of what was asked of it, 16 hexadecimal digits.

    Parameters
    ----------
    explained
        The pixels of the picture, or the array that is none.
    facts
        Of an explanation, as its `to_dict` gives them. Score and range of the map count to four
        digits: another network, and other values that are held, give another number.
    """
    asked = {name: value for name, value in plain(facts).items() if name not in ASIDE}
    digest = hashlib.sha256(json.dumps(_rounded(asked), sort_keys=True).encode())
    digest.update(f"{explained.shape}{explained.dtype}".encode())
    digest.update(np.ascontiguousarray(explained).data)  # read where it lies
    return digest.hexdigest()[:16]


def joined(identities: list[str]) -> str:
    """The identity of a page that holds several results."""
    return hashlib.sha256(" ".join(identities).encode()).hexdigest()[:16]


def names(stem: str) -> Iterator[str]:
    """`stem`, then ``stem-2``, ``stem-3`` and so on."""
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def free(stem: str, held: Callable[[str], str | None], own: str) -> str:
    """The first of the `names` that nothing has, or that the same result has.

    Parameters
    ----------
    held
        The identity of the result that a name is taken by; empty where that is not known, None
        where the name is free.
    own
        The identity of the result to be saved.
    """
    return next(name for name in names(stem) if held(name) in (None, own))


def identity_in(path: Path) -> str | None:
    """The identity that a picture carries; empty for any other file, None where there is none."""
    if not path.exists():
        return None
    try:
        with PIL.Image.open(path, formats=("PNG",)) as picture:
            facts = json.loads(getattr(picture, "text", {}).get(METADATA, "{}"))
    except (OSError, ValueError, SyntaxError, RecursionError):
        return ""
    return str(facts.get(IDENTITY, "")) if isinstance(facts, dict) else ""


def _rounded(value: object) -> object:
    """Numbers to `DIGITS` digits, inside of lists and mappings too."""
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    if isinstance(value, dict):
        return {name: _rounded(own) for name, own in value.items()}
    return [*map(_rounded, value)] if isinstance(value, list) else value
