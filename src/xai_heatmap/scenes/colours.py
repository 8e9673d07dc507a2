"""Colours that go together: planar, red green blue in [0, 1]."""

import numpy as np

from xai_heatmap.core.shapes import Float32
from xai_heatmap.scenes.shapes import Field

Colour = Float32[np.ndarray, "3 1 1"]
Paint = Float32[np.ndarray, "3 #h #w"]
"""One colour for all pixels of a patch, or one for each."""


def colour(text: str) -> Colour:
    """From six hexadecimal digits."""
    values = [int(text[i : i + 2], 16) for i in (0, 2, 4)]
    return np.array(values, np.float32).reshape(3, 1, 1) / np.float32(255)


def several(text: str) -> tuple[Colour, ...]:
    """Colours of a text, one for each word."""
    return tuple(map(colour, text.split()))


def mixed(first: Paint, second: Paint, share: Field | float) -> Paint:
    """first + share (second - first)."""
    return (
        first + (second - first) * np.float32(share)
        if isinstance(share, float)
        else (first + (second - first) * share)
    )


INK = colour("2b2430")
WHITE = colour("fbf7ef")

FUR = several("e8a15c c98a5e f0d9b0 9b7b66 b9b4b0 7f8aa3 d98c8c a6bf9a c7a4cf 6f6a72")
SHELL = several("d94f3d e98b2f e8bf3a 5fa35a 3f87a6 7d62a8 c9567e 4aa79a")
SCALES = several("f28f4b 3f9fb5 e3b23c 6d8fd1 d96b76 5db08a b57fc4 e6e0d2")
GLAZE = several("f4efe3 d96c5b 5b9ea6 e3b552 7fa66b 8b86c4 d99ab0 55708f")
PAINT = several("e0564a f0b23e 4f93c2 5cac7c ef8650 9a78bd e58aa4 f1ece0")

BACKGROUNDS = {
    "meadow": ["6f9a4e 93b862", "5d8f5b 86b277", "8a9c4a b3bf6a", "4f8467 7bab82"],
    "sand": ["d9bd8b ecd8ae", "cfa981 e5c8a4", "c9b7a0 e0d3c0", "b9a58f d6c5ad"],
    "planks": ["9c6b43 bd8a5c", "b08d68 cfae88", "7d6a5c a08b7a", "8fa0a3 b3c2c3"],
    "tiles": ["b9c9c7 d7e2df", "d2b8a3 e8d5c5", "a9b8cf c9d5e6", "c6c29f e0ddc2"],
    "cloth": ["c9858a e3b3ae", "7f9cb5 aec3d3", "b9a7c9 d6c9e0", "d9c38f eadcb5"],
    "sky": ["7fb4d6 cfe5ee", "9cc3c9 e3ead9", "a7b3dd e6d9e6", "e3b79c f4e0c2"],
    "water": ["3f7f96 6fb0b8", "4a78a3 86b0cd", "3d8a84 7bbdab", "5b6fa0 94a6cb"],
    "wall": ["c58c6b dcb090", "8c9a8a b2bdab", "a38a9c c4aebd", "97a7b5 bfcbd3"],
}
"""Two colours for each ground, several choices of them."""
