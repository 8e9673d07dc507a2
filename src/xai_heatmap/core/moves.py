"""Movement of the explained number while a map was made."""

from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Values
from xai_heatmap.core.shapes import Float32


@dataclass
class Moves:
    """The lowest and highest y that were seen, and the farthest that a slope could move it.

    Parameters
    ----------
    least, most
        Of y, for everything that a method showed to the network.
    steepest
        The largest Σ |∂y/∂A| · max |A| of one image.
    """

    least: float = np.inf
    most: float = -np.inf
    steepest: float = 0.0

    def among(self, values: Values) -> None:
        """Take in the y of other activations or pictures."""
        self.least = min(self.least, float(values.min(initial=np.inf)))
        self.most = max(self.most, float(values.max(initial=-np.inf)))

    def along(
        self, gradients: Float32[np.ndarray, "n ..."], activations: Float32[np.ndarray, "n ..."]
    ) -> None:
        """Take in ∂y/∂A of several images."""
        for gradient, activation in zip(gradients, activations, strict=True):
            self.steepest = max(self.steepest, far(gradient, activation))

    def tried(self, own: float) -> float:
        """Largest distance of a tried y from `own`, the y of the picture itself."""
        return max(self.most - own, own - self.least, 0.0)


def far(gradient: Float32[np.ndarray, "..."], activation: Float32[np.ndarray, "..."]) -> float:
    """Σ |∂y/∂A| · max |A|: the largest |A| stands for all of it, so that a picture which is nearly
    black is not taken for one whose slopes are small.
    """
    slopes = float(np.abs(gradient).sum(dtype=np.float64))
    return slopes * float(np.abs(activation).max(initial=0))
