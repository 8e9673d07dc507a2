"""Everything that a method may ask for, about one image at one layer."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Input, Values
from xai_heatmap.core.network import Recording
from xai_heatmap.core.target import Target


@dataclass(frozen=True)
class Head:
    """The rest of the network, from one layer to the explained score, as a function.

    Parameters
    ----------
    recording, layer, row
        Which image, opened where.
    target
        What is explained; fixed, whatever the activations say.
    batch
        How many activations are held and run at a time.
    """

    recording: Recording
    layer: str
    row: int
    target: Target
    batch: int = 32

    def __call__(self, activations: Iterable[Activation]) -> Values:
        """The explained score for other activations; takes any iterable and holds one batch of
        it.
        """
        rest, values = iter(activations), [np.zeros(0, np.float32)]
        while chunk := list(itertools.islice(rest, self.batch)):
            replayed = self.recording.replay(self.layer, np.stack(chunk), row=self.row)
            values.append(self.target.value(replayed.scores))
        return np.concatenate(values)


@dataclass(frozen=True)
class Evidence:
    """What a method may ask for, about one image at one layer; None where nobody asked.

    Parameters
    ----------
    image
        The picture as the network saw it, ``c *image``.
    activation
        A, what the layer said.
    gradient
        G = ∂y/∂A.
    score
        y, the explained number.
    head
        From other activations to y.
    """

    image: Input | None = None
    activation: Activation | None = None
    gradient: Gradient | None = None
    score: float | None = None
    head: Head | None = None
