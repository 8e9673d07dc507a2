"""Attention relevance: what attention the score depends on, followed through all blocks."""

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.attention import Attentions
from xai_heatmap.core.registry import method


@method(
    cite="chefer2021generic",
    use_when="the network is a transformer whose blocks attend among all patches",
)
def attention_relevance(attentions: Attentions) -> Map:
    """Row of the class token in R − 1,  R ← R + mean_h ReLU(∂y/∂A ⊙ A) R, first block first.

    R starts as 1, what a token is to itself; that 1 is taken off again, so that a map without any
    evidence is 0. Of a network that takes the mean of its patches, the mean of their rows. Queries
    that pool the tokens at the end are none of them: mean_h ReLU(∂y/∂A ⊙ A) R is their row, and no
    1 is in it. The map is one of the whole network, on the grid of its tokens.

    Examples
    --------
    >>> import numpy as np
    >>> half = np.array([[[0.5, 0.5], [0.0, 1.0]]], np.float32)
    >>> slope = np.array([[[-1.0, 2.0], [0.0, 0.0]]], np.float32)
    >>> read = np.array([1, 0], np.float32)
    >>> attention_relevance(Attentions([half], [slope], read, grid=(1,)))
    array([1.], dtype=float32)
    """
    found = itself = attentions.read
    pairs = zip(attentions.weights, attentions.gradients, strict=True)
    for weights, gradient in reversed(list(pairs)):
        own = np.maximum(weights * gradient, 0)
        taken = np.einsum("i,hij->j", found, own) / len(own)
        square = len(taken) == len(found)
        found, itself = (found + taken, itself) if square else (taken, np.zeros_like(taken))
    return attentions.on_grid(found - itself)
