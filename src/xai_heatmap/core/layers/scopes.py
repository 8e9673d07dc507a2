"""Layers of a file that a converter named by scopes: ``/stem/stem.2/Relu``, ``net/conv1_1/Relu``.

A user knows the part of the model, ``stem.2`` or ``conv1``, and the file its operators alone.
"""

import re
from collections.abc import Sequence


def in_scope(part: str, layers: Sequence[str]) -> str | None:
    """The last of the `layers` that was run in the `part` of the model, None without one.

    Parameters
    ----------
    part
        Path of a module, with dots, or name of a Keras layer; nested ones with slashes.
    layers
        Names in order of execution. PyTorch writes the module's attribute or, in a `Sequential`,
        its path from the one above; Keras adds a number where a name is taken.

    >>> in_scope("stem.2", ["/stem/stem.0/Conv", "/stem/stem.2/Relu", "/head/Gemm"])
    '/stem/stem.2/Relu'
    >>> in_scope("conv1", ["net_1/conv1_1/convolution", "net_1/conv1_1/Relu", "net_1/fc_1/MatMul"])
    'net_1/conv1_1/Relu'
    """
    wanted = [word for word in re.split(r"[./]", part) if word]
    if not wanted:
        return None
    found = [name for name in layers if "/" in name and _holds(_scopes(name), wanted)]
    return found[-1] if found else None


def _scopes(name: str) -> list[str]:
    """Parts of the model around an operator, from the outermost in, the operator's own name left
    out.
    """
    path = list[str]()
    for scope in name.strip("/").split("/")[:-1]:
        words = scope.split(".")
        if path[len(path) - len(words) + 1 :] == words[:-1]:  # told from the one above
            words = words[-1:]
        path += words
    return path


def _holds(path: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the parts `wanted` stand in a path, each perhaps with a number behind its name."""
    return any(
        all(_same(own, word) for own, word in zip(path[start:], wanted, strict=False))
        for start in range(len(path) - len(wanted) + 1)
    )


def _same(own: str, word: str) -> bool:
    return own == word or re.fullmatch(re.escape(word) + r"_\d+", own) is not None
