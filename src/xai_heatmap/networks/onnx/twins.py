"""Layers of an ONNX graph that match layers of the model from which the graph was exported."""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from xai_heatmap.core.arrays import Inputs
from xai_heatmap.core.errors import ModelError
from xai_heatmap.core.layers.selection import grids
from xai_heatmap.core.network import Network
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.registry import find_method

SAME_GRADIENT = 2e-2
"""Relative tolerance of gradients: at a kink, frameworks may choose different slopes."""


def twins(
    network: Network,
    twin: Network,
    names: Sequence[str],
    x: Inputs,
    *,
    method: str,
    all_of_them: bool,
) -> list[str]:
    """Layers of the ONNX graph that match the layers `names` of the model, each once.

    Layers match by activation and, where the method needs gradients, by gradient: where several
    branches begin, each has a copy of the activation, but only its own part of the gradient.
    """
    named = set(names) <= set(twin.layers)
    recorded = network.record(x, names)
    graph = twin.record(x, [] if named else grids(twin.survey(x.shape[1:])))
    if not _close(graph.scores, recorded.scores):
        raise ModelError(
            f"The ONNX graph that was made of {network.name} gives other scores than the model "
            f"itself, so it is not used. Nothing was written; report this to the exporter."
        )
    if len(x) > 1:
        _check_alone(network, twin, x[:1])
    if named:
        return list(names)
    alike = {
        name: [c for c, value in graph.activations.items() if _close(value, own)]
        for name, own in recorded.activations.items()
    }
    if "gradient" in find_method(method).needs:
        alike = _of_one_gradient(recorded, twin.record(x, list(chain(*alike.values()))), alike)
    absent = [name for name in names if not alike[name]]
    if absent and (all_of_them or len(absent) == len(names)):
        raise ModelError(
            f"Layer {absent[0]!r} is not in the ONNX graph of {network.name}: its exporter joined "
            f"it with others. Choose the layer behind it, or layers='all' for all there are."
        )
    return list(dict.fromkeys(alike[name][0] for name in names if alike[name]))


def _check_alone(network: Network, twin: Network, x: Inputs) -> None:
    """Refuse a graph of several pictures that gives other scores for one: the model branched."""
    if not _close(twin.record(x).scores, network.record(x).scores):
        raise ModelError(
            f"A graph that answers as {network.name} does for one picture and for several is "
            f"needed; for one picture alone it gives other scores, as where a model asks "
            f"`len(x) > 1`. Nothing was written. Export it once without that branch."
        )


def _of_one_gradient(
    recorded: Recording, graph: Recording, alike: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Candidates with the same gradient, among candidates with the same activation."""
    cotangent = np.random.default_rng(1).normal(size=recorded.scores.shape).astype(np.float32)
    own, others = recorded.pullback(cotangent), graph.pullback(cotangent)
    return {
        name: [c for c in candidates if _close(others[c], own[name], within=SAME_GRADIENT)]
        for name, candidates in alike.items()
    }


def _close(one: np.ndarray, other: np.ndarray, *, within: float = 1e-3) -> bool:
    """Whether two arrays are equal up to rounding, as a share of the largest value."""
    scale = float(np.abs(other).max(initial=0))
    return one.shape == other.shape and bool(np.abs(one - other).max(initial=0) <= within * scale)
