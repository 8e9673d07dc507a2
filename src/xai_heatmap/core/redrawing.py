"""What is asked of the model behind a network: a copy with other weights, and its own answer."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Inputs
from xai_heatmap.core.errors import BadOption

Draw = Callable[[str, str, np.ndarray], np.ndarray]
"""Function from the layer that a weight belongs to (empty of the model itself), the weight's name
and its values to other values."""


class Redrawable:
    """A network whose model may be copied, and called as its framework calls it."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the model."""

    def redrawn(self, draw: Draw) -> Any:
        """Network of a copy of the model, whose learnt weights are those that `draw` answers.

        Raises
        ------
        BadOption
            If it has no weights, or can't be copied.
        """
        raise BadOption(
            f"{self.name} has no weights that could be drawn again: a function is all that is "
            "known of it."
        )

    def own_call(self, x: Inputs) -> np.ndarray | None:
        """Answer of the model's own call, (n, ...) as it comes, with nothing opened; None where
        that can't be had.
        """
        del x
        return None
