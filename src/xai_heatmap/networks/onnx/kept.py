"""Compiled graphs in the cache of a model, and which of them answers a smaller question."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.fused import FusedPlan, Key
from xai_heatmap.networks.onnx.graph import OnnxGraph
from xai_heatmap.networks.onnx.plan import Plan

KEPT = 8
"""Most plans in the cache, each with its own compiled graphs and weights; and most graphs, each for
pictures of one shape."""

SERVED = 4
"""Times that a plan opened at more layers serves some of the layers, before these get a plan of
their own: compiling takes as long as several runs."""

MANY = 8
"""Times more layers at which a plan of two runs is opened, that serves in place of a program."""

T = TypeVar("T")


@dataclass
class Plans:
    """Plans of one model by what they were made for, the last used last.

    Parameters
    ----------
    plans
        The plans.
    served
        How often a question without a plan of its own was asked.
    """

    plans: OrderedDict[Any, Any] = field(default_factory=OrderedDict)
    served: OrderedDict[Hashable, list[int]] = field(default_factory=OrderedDict)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Cached result of `make` for `key`."""
        return once(self.plans, key, make)

    def larger(self, graph: OnnxGraph, at: Sequence[str], way: autodiff.Way) -> Plan | None:
        """A plan that is compiled already and opened at more, for the first few times."""
        key = graph, at, id(way)
        if not at or key in self.plans:
            return None
        larger = [
            plan
            for (of, *_), plan in self.plans.items()
            if of is graph and isinstance(plan, Plan) and plan.serves(at, way)
        ]
        return larger[0] if self._few(key) and larger else None

    def elsewhere(self, key: Key) -> FusedPlan | Plan | None:
        """What is compiled already and answers more than a program would, for the first few
        times.
        """
        graph, opened, *_ = key
        at = {own.tensor for own in opened}
        plans = [plan for (of, *_), plan in self.plans.items() if of is graph]
        fused = [plan for plan in plans if isinstance(plan, FusedPlan) and plan.serves(key)]
        apart = [
            plan
            for plan in plans
            if isinstance(plan, Plan)
            and len(plan.at) >= MANY * len(at)
            and plan.serves(tuple(at), autodiff.DERIVATIVE)
        ]
        return next(iter([*fused, *apart]), None) if self._few(key) else None

    def _few(self, key: Hashable) -> bool:
        """Whether a question without a plan of its own is among its first few."""
        served = once(self.served, key, lambda: [0])
        served[0] += 1
        return served[0] <= SERVED


def once(kept: OrderedDict[Hashable, T], key: Hashable, make: Callable[[], T]) -> T:
    """Cached result of `make` for `key`; the cache keeps the KEPT keys that were used last."""
    if key not in kept:
        kept[key] = make()
    kept.move_to_end(key)
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return kept[key]
