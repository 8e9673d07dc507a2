"""The arithmetic of the document that this project grew from, line by line, for ``legacy=True``."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Map
from xai_heatmap.core.geometry import stretched
from xai_heatmap.core.shapes import Float32, Float64, Shaped, UInt8
from xai_heatmap.core.targets.answer import Answer
from xai_heatmap.core.targets.classes import class_label
from xai_heatmap.core.targets.target import Choice, Target, linear
from xai_heatmap.render.colormaps import named
from xai_heatmap.render.heat import heat

HIF = 0.8
"""Strength with which the heatmap's colours are added to the picture."""


def output_of_argmax() -> Choice:
    """``output[:, argmax]``: the model's output as it stands; of a single unit that unit."""

    def pick(answer: Answer) -> Target:
        argmax = int(np.argmax(answer.scores))
        weights = np.zeros(len(answer.scores), np.float32)
        weights[argmax] = 1
        return linear(weights, class_label(argmax, answer.labels), index=argmax)

    return Choice("output[:, argmax]", pick)


def document_map(activation: Activation, gradients: Float32[np.ndarray, "n k *grid"]) -> Map:
    """ReLU((1/K) Σ_k α_k A_k),  α_k = mean of ∂y/∂A_k over the grid and over all images.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> gradients = np.array([[[[1, 1]], [[0, -2]]]], np.float32)
    >>> document_map(activation, gradients)
    array([[0., 1.]], dtype=float32)
    """
    pooled = gradients.mean(axis=(0, *range(2, gradients.ndim)))
    weighted = activation * pooled.reshape(-1, *(1 for _ in activation.shape[1:]))
    return np.maximum(weighted.mean(axis=0), 0)


def document_overlay(img: Shaped[np.ndarray, "H W 3"], map_: Map) -> Float64[np.ndarray, "H W 3"]:
    """(0.8 JET(⌊255 heatmap⌋) + img) / max · 255, where heatmap = map / max(map), drawn out.

    A map that is zero everywhere gives the document 0/0; its NaN became level 0 in ``np.uint8``
    where that conversion is defined by the processor. Level 0 it is here, without the warning.
    """
    highest = map_.max()
    heatmap = map_ / highest if highest > 0 else np.zeros_like(map_)
    drawn = heat(heatmap, stretched((img.shape[0], img.shape[1]), (img.shape[0], img.shape[1])))
    colored = np.take(_jet_of_opencv(), np.uint8(drawn * 255), axis=0)
    superimposed = colored * HIF + img
    superimposed /= np.max(superimposed)
    superimposed *= 255.0
    return superimposed


def _jet_of_opencv() -> UInt8[np.ndarray, "256 3"]:
    """``cv2.COLORMAP_JET`` to the last bit, blue first."""
    table = named("jet").table[:, ::-1].copy()
    table[:32, 0] += 1
    table[96:159, 0] += 1
    return table
