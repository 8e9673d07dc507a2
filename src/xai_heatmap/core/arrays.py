"""Names for the shapes that cross from one part of the project to the next.

Axes are fixed letters: ``n`` images, ``c`` image channels, ``k`` feature maps, ``h w`` layer grid,
``H W`` image, ``classes``. ``*grid`` is ``h w`` for pictures, ``l`` for signals, ``d h w`` for
volumes.
"""

import numpy as np
from jaxtyping import Bool, Float32, Shaped, UInt8

Image = UInt8[np.ndarray, "H W 3"]
"""A picture as it is read and written: RGB, 0 to 255."""

Heat = Float32[np.ndarray, "H W"]
"""A map drawn out to the size of the original picture; 0 where the network did not look."""

Signal = Float32[np.ndarray, "c l"]
"""What a network for signals takes."""

Volume = Float32[np.ndarray, "c d h w"]
"""What a network for volumes takes: scans, or videos with time as depth."""

DrawnOut = Float32[np.ndarray, "*image"]
"""A map drawn out over what it explains: a picture, a signal or a volume."""

Mask = Bool[np.ndarray, "H W"]
"""Which pixels of a picture belong to something."""

Input = Float32[np.ndarray, "c *image"]
"""One image as a network takes it, channels first."""

Inputs = Float32[np.ndarray, "n c *image"]
"""Several images as a network takes them, channels first."""

Activation = Float32[np.ndarray, "k *grid"]
"""What one layer said about one image."""

Gradient = Float32[np.ndarray, "k *grid"]
"""How the explained score would change with the activation, ∂y/∂A."""

Activations = Float32[np.ndarray, "n k *grid"]
"""What one layer said about several images."""

Gradients = Float32[np.ndarray, "n k *grid"]
"""Gradients of several images."""

ForAndAgainst = Float32[np.ndarray, "2 ..."]
"""What a bias contributed at every place of its own grid, summed over feature maps: the positive
parts, then the negative ones. Without a grid, two numbers."""

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
"""How much every token of one image (rows) takes from every other (columns), head by head."""

BatchAttention = Float32[np.ndarray, "n _ _ tokens"]
"""Attention of several images."""

Tokens = Float32[np.ndarray, " tokens"]
"""One number for each token of one image."""
