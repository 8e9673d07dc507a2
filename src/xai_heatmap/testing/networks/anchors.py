"""Numbers of two detectors whose boxes lie at known places, and a picture for one of them, in NumPy
alone.

The first sees `SHAPE`: the ReLU of each colour, its mean inside of every box of `ANCHORS`, and
`CLASSIFY` times the three means plus `BIAS`: logits of red, green and nothing. The second has three
levels of features, `LEVELS`, of `STRIDES` pixels; at every place of a level hangs a box of the size
of the place, whose scores are a 1x1 convolution of the features there.
"""

import numpy as np

RED, GREEN = 0, 1
SIDE = 16
SPAN, STRIDE = 4, 2
SHAPE = (3, SIDE, SIDE)
ACROSS = (SIDE - SPAN) // STRIDE + 1

STARTS = np.stack(
    np.meshgrid(np.arange(ACROSS) * STRIDE, np.arange(ACROSS) * STRIDE), axis=-1
).reshape(-1, 2)
ANCHORS = np.concatenate([STARTS, STARTS + SPAN], axis=1).astype(np.float32)
"""Left, top, right, bottom of every box in pixels of the input, row after row."""

CLASSIFY = np.array([[6, -3, 0], [-3, 6, 0], [0, 0, 0]], np.float32)
"""What each colour (column) adds to the logit of each class (row)."""

BIAS = np.array([-2, -2, 1], np.float32)

STRIDES = (8, 16, 32)
LEVELS = ("fine", "middle", "coarse")


def scene(side: int = SIDE) -> np.ndarray:
    """(3, side, side): a red square above to the left, a green one below to the right, on grey."""
    x = np.full((3, side, side), 0.2, np.float32)
    span = SPAN * side // SIDE
    for colour, box in ((RED, square(RED, side)), (GREEN, square(GREEN, side))):
        left, top, _, _ = box
        here = slice(top, top + span), slice(left, left + span)
        x[:, *here] = 0
        x[colour, *here] = 1
    return x


def square(colour: int, side: int = SIDE) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the square of that colour."""
    step = side // SIDE
    left, top = ((2, 4), (10, 8))[colour]
    return left * step, top * step, (left + SPAN) * step, (top + SPAN) * step


def query(colour: int) -> int:
    """Number of the box that lies around the square of a colour."""
    left, top, _, _ = square(colour)
    return top // STRIDE * ACROSS + left // STRIDE


def boxes_of(level: int, side: int) -> tuple[float, float, float, float]:
    """About the box of the place (1, 2) of a level, or the last one there is."""
    stride = STRIDES[level]
    places = side // stride
    row, column = min(1, places - 1), min(2, places - 1)
    left, top = column * stride, row * stride
    return left, top, left + stride, top + stride
