"""Which methods meet which networks: all of them on two backends, one of each kind everywhere.

What a backend brings to a method is what the method's formula needs: two methods that need the same
are handed the same arrays by the same code. A fault of a formula shows on any backend, a fault of
a backend in any formula that needs what is wrong.
"""

from collections.abc import Iterable

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.core.registry import find_method

FULL = ("torch", "onnx")
"""Where every method runs: with gradients of a framework, and with those of this package."""


def of_each_kind(names: Iterable[str]) -> list[str]:
    """The first method of each set of needs, of those that start at the same layer and take
    gradients, or not.
    """
    kinds: dict[tuple[object, ...], str] = {}
    for name in names:
        method = find_method(name)
        kind = method.needs, method.auto, method.directed, method.differentiates
        kinds.setdefault(kind, name)
    return list(kinds.values())


def crossed(
    names: Iterable[str], kinds: Iterable[str], full: Iterable[str] = FULL
) -> list[tuple[str, str]]:
    """Pairs of method and backend: every method on ``full``, one of each kind on the others."""
    names, whole = list(names), set(full)
    few = of_each_kind(names)
    return [(name, kind) for kind in kinds for name in (names if kind in whole else few)]
