"""Attention rollout: what tokens take from each other, followed through all blocks."""

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.attention import Attentions
from xai_heatmap.core.registry import method


@method(
    cite="abnar2020quantifying",
    use_when="a baseline for transformers: where attention flows, whatever the class",
)
def rollout(attentions: Attentions) -> Map:
    """Row of the class token in Π_b ½ (mean_h A_b + 1).

    Blocks are multiplied from the last to the first; 1 stands for the skip connection. Of a network
    that takes the mean of its patches, the mean of their rows. Where queries pool the tokens at the
    end, nothing skips that step: row of the query in A Π_b ½ (mean_h A_b + 1). The score plays no
    part: every class has the same map. The map is one of the whole network, on the grid of its
    tokens.

    Examples
    --------
    >>> import numpy as np
    >>> half = np.array([[[0.5, 0.5], [0.0, 1.0]]], np.float32)
    >>> read = np.array([1, 0], np.float32)
    >>> rollout(Attentions([half], [half], read, grid=(1,)))
    array([0.25], dtype=float32)
    """
    flow = attentions.read
    for weights in reversed(attentions.weights):
        taken = np.einsum("i,hij->j", flow, weights) / len(weights)
        flow = (flow + taken) / 2 if len(taken) == len(flow) else taken
    return attentions.on_grid(flow)
