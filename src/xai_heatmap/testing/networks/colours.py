"""Numbers of a network that labels red and green pixels, and a picture of both, in NumPy alone.

The network takes the mean of 3 x 3 pixels of each colour, with zeros beyond the edge, its ReLU, and
at every place `CLASSIFY` times the three colours plus `BIAS`: the scores of red, green and other.
"""

import numpy as np

RED, GREEN, OTHER = 0, 1, 2
SIDE = 12

NEAR = np.float32(1 / 9)
"""Weight of each of the 3 x 3 pixels of the own colour; other colours have none."""

CLASSIFY = np.array([[4, -2, -2], [-2, 4, -2], [0, 0, 0]], np.float32)
"""What each colour (column) adds to the score of each class (row)."""

BIAS = np.array([-1, -1, 0], np.float32)


def kernel() -> np.ndarray:
    """The first convolution's weights (out, in, 3, 3)."""
    return np.eye(3, dtype=np.float32)[:, :, None, None] * np.full((3, 3), NEAR)


def scene(side: int = SIDE) -> np.ndarray:
    """(3, side, side): a red square above to the left, a green one below to the right, on grey."""
    x = np.full((3, side, side), 0.2, np.float32)
    half = side // 2
    for colour, start in ((0, 1), (1, half + 1)):
        box = slice(start, start + half - 2)
        x[:, box, box] = 0
        x[colour, box, box] = 1
    return x


def square(colour: int, side: int = SIDE) -> np.ndarray:
    """Mask of the square of a colour."""
    return scene(side)[colour] == 1
