"""Architecture of the shipped networks, from which every framework builds its network."""

from dataclasses import dataclass

SIDE = 128
"""Rows and columns of the pictures of the shipped networks."""


@dataclass(frozen=True)
class Convolution:
    """Convolution with a bias, followed by a ReLU unless ``relu=False``.

    A stride of 2 goes with a kernel of 4: padded alike on both sides it is centred between two
    places, as an average over them is. With an odd kernel every such step would move what a
    coarse grid shows by half a place, down and to the right of where it is in the picture.
    """

    name: str
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    relu: bool = True

    @property
    def padding(self) -> int:
        """Of every side."""
        return (self.kernel - 1) // 2


@dataclass(frozen=True)
class Residual:
    """relu(x + steps(x))."""

    name: str
    steps: tuple[Convolution, ...]


def dense(name: str, width: int) -> Residual:
    """Two full convolutions."""
    first = Convolution(f"{name}.first", width, width)
    return Residual(name, (first, Convolution(f"{name}.second", width, width, relu=False)))


def separable(name: str, width: int) -> Residual:
    """Residual block: depthwise convolution, expansion to twice the channels, projection."""
    return Residual(
        name,
        (
            Convolution(f"{name}.depthwise", width, width, groups=width, relu=False),
            Convolution(f"{name}.expand", width, 2 * width, kernel=1),
            Convolution(f"{name}.project", 2 * width, width, kernel=1, relu=False),
        ),
    )


FEATURES = Convolution("features", 64, 128, kernel=1)

STEPS: tuple[Convolution | Residual, ...] = (
    Convolution("stem", 3, 16, kernel=4, stride=2),
    Convolution("stage1.down", 16, 32, kernel=4, stride=2),
    dense("stage1.block1", 32),
    separable("stage1.block2", 32),
    Convolution("stage2.down", 32, 64, kernel=4, stride=2),
    FEATURES,
)
"""Grids of 64, 32 and 16. The mean of the features over the grid goes into ``classifier``.

No deeper than this: a place among the features sees 86 pixels, about as many as an object has.
"""


def convolutions() -> tuple[Convolution, ...]:
    """All convolutions of the architecture, in order."""
    return tuple(
        part
        for step in STEPS
        for part in ((step,) if isinstance(step, Convolution) else step.steps)
    )
