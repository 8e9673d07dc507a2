"""What the benchmarks need to know of a framework."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from benchmarks import networks, peers


class Framework(ABC):
    """One framework; where nothing else is said, Keras on the processor."""

    title: ClassVar[str]
    channels_last: ClassVar[bool] = True
    rivals: ClassVar[Mapping[str, peers.Make]] = peers.OTHER_KERAS

    @abstractmethod
    def bare(self, model: Any, x: np.ndarray) -> Callable[[], np.ndarray]:
        """One forward pass as a user would run it, from numpy to numpy."""

    @abstractmethod
    def versions(self) -> list[str]:
        """What ran."""

    def model(self, name: str, precision: str = "float32") -> Any:
        """The network, ready to run; in another precision where the framework has several."""
        if precision != "float32":
            raise NotImplementedError(f"{self.title} is measured in float32 alone")
        return networks.keras_model(name)

    def synchronise(self) -> None:
        """Wait for what a card still has to do; calls that end in numpy have waited."""
        return

    def card(self) -> str:
        """The card's name, where one is used."""
        return ""

    def resident(self, model: Any, x: np.ndarray) -> Callable[[], object]:
        """A forward pass of pictures that are on the card already; the scores stay there."""
        raise NotImplementedError

    def held(self) -> int:
        """Bytes that tensors hold on the card."""
        return 0
