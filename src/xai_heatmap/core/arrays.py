"""Names for the shapes that cross from one part of the project to the next.

Axes are fixed letters: ``n`` images, ``c`` image channels, ``k`` feature maps, ``h w`` layer grid,
``H W`` image, ``classes``. ``*grid`` is ``h w`` for pictures, ``l`` for signals, ``d h w`` for
volumes.
"""

import numpy as np

from xai_heatmap.core.shapes import Bool, Float32, Shaped, UInt8

Image = UInt8[np.ndarray, "H W 3"]
"""Picture as read and written: RGB, 0 to 255."""

Deep = Float32[np.ndarray, "H W channels"]
"""Picture of more than 8 bits, in the units of 8: 0 to 255, one channel or three, unrounded."""

Heat = Float32[np.ndarray, "H W"]
"""A map drawn out to the size of the original picture; 0 where the network did not look."""

Signal = Float32[np.ndarray, "c l"]
"""Input of a network for signals."""

Volume = Float32[np.ndarray, "c d h w"]
"""Input of a network for volumes: scans, or videos with time as depth."""

DrawnOut = Float32[np.ndarray, "*image"]
"""A map drawn out over what it explains: a picture, a signal or a volume."""

Mask = Bool[np.ndarray, "H W"]
"""Pixels of a picture that belong to something."""

Input = Float32[np.ndarray, "c *image"]
"""One image as a network takes it, channels first."""

Inputs = Float32[np.ndarray, "n c *image"]
"""Several images as a network takes them, channels first."""

Activation = Float32[np.ndarray, "k *grid"]
"""Feature maps of one layer for one image."""

Gradient = Float32[np.ndarray, "k *grid"]
"""Derivative of the explained score by the activation, ∂y/∂A."""

Activations = Float32[np.ndarray, "n k *grid"]
"""Feature maps of one layer for several images."""

Gradients = Float32[np.ndarray, "n k *grid"]
"""Gradients of several images."""

ForAndAgainst = Float32[np.ndarray, "2 ..."]
"""Contribution of a bias at every place of the bias's own grid, summed over feature maps: the
positive parts, then the negative ones. Without a grid, two numbers."""

Map = Float32[np.ndarray, "*grid"]
"""A method's answer about one image: raw, on the layer's own grid."""

Maps = Float32[np.ndarray, "n *grid"]
"""Raw maps of several images."""

Scores = Float32[np.ndarray, "n classes"]
"""The numbers that a network ends in, before a closing softmax or sigmoid."""

ScoreRow = Float32[np.ndarray, " classes"]
"""The scores of one image."""

Values = Float32[np.ndarray, " n"]
"""One explained number for each image."""

Native = Shaped[np.ndarray, "n ..."]
"""A layer's output in its own layout, whatever that is."""

Attention = Float32[np.ndarray, "_ _ tokens"]
"""Attention of every token of one image (rows) to every other (columns), head by head."""

BatchAttention = Float32[np.ndarray, "n _ _ tokens"]
"""Attention of several images."""

Tokens = Float32[np.ndarray, " tokens"]
"""One number for each token of one image."""
