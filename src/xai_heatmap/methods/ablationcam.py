"""Ablation-CAM: feature maps weighted by what the score loses without them."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Annotated, Literal

import numpy as np

from xai_heatmap.core.affine import affine
from xai_heatmap.core.arrays import Activation, Map
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.filling import Filling
from xai_heatmap.core.registry import method
from xai_heatmap.core.shapes import Bool, Float32
from xai_heatmap.methods._baseline import baseline

Fill = Annotated[Literal["zero", "mean"] | float | Float32[np.ndarray, "..."], Filling()]
"""What stands for a feature map that is taken away."""


@method(
    cite="desai2020ablationcam",
    use_when="there is no gradient, or it says little because the network is sure",
    passes="1 through the head for every feature map that is not 0",
)
def ablationcam(
    activation: Activation,
    head: Scored,
    *,
    fill: Fill = "zero",
    relu: bool = True,
) -> Map:
    """ReLU(Σ_k w_k A_k),  w_k = (y - y_k) / |y|,  y_k the score with A_k set to 0.

    The paper divides by y; by |y| the weights keep their meaning where the score is negative. A
    feature map that is 0 already weighs nothing and costs no pass. Where activations are signed, 0
    is no absence: ``fill="mean"`` sets A_k to its mean over the grid instead. ``relu=False`` keeps
    evidence against, as negative values. ``fill`` may be a number, an array or what the layer says
    of another picture (``activation_of``) as well.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> head = lambda many: np.array([a[0].sum() - a[1].sum() + 5 for a in many])
    >>> ablationcam(activation, head)
    array([[0. , 1.2]], dtype=float32)
    """
    without, known = baseline(activation, fill), affine(head)
    alive = np.flatnonzero(_somewhere(activation != 0) & _somewhere(activation != without))
    ablated = _replaced(activation, without, alive.tolist())
    losses = np.zeros(len(activation), np.float32)
    if known is not None:  # what is linear loses what each feature map adds
        whole = known.score
        losses[alive] = known.rises(activation - without)[alive]
        known.tried(whole, whole - losses)
    else:
        whole, *rest = head(chain([activation], ablated))  # side by side: rounding cancels out
        losses[alive] = whole - np.array(rest, np.float32)
    scale = max(abs(float(whole)), 1e-6 * float(np.abs(losses).max(initial=0))) or 1.0
    total = np.einsum("k,k...->...", losses / np.float32(scale), activation)
    return np.maximum(total, 0) if relu else total


def _somewhere(told: Bool[np.ndarray, "maps ..."]) -> Bool[np.ndarray, " maps"]:
    """Whether it holds at any place of each feature map."""
    return np.asarray(told.reshape(len(told), -1).any(axis=1))


def _replaced(
    activation: Activation, others: Activation, which: Sequence[int]
) -> Iterator[Activation]:
    """One array, in which one feature map after the other is replaced."""
    changed = activation.copy()
    for k in which:
        changed[k] = others[k]
        yield changed
        changed[k] = activation[k]
