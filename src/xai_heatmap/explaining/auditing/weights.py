"""Weights drawn again: in which part of a network, and how."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from xai_heatmap.core.network import INPUT, Survey


@dataclass(frozen=True)
class Redraw:
    """One network with weights drawn again.

    Parameters
    ----------
    name
        Which it is, as a file may be called.
    kind
        ``cascade``: everything from the answer back to some layer; ``alone``: one part.
    parts
        Numbers of the parts, 0 before the first layer of maps, the last behind the last.
    said
        The same in words.
    """

    name: str
    kind: str
    parts: frozenset[int]
    said: str


def redraws(layers: Sequence[str]) -> list[Redraw]:
    """Every network to be drawn for maps at these layers, in order of execution: first from the
    answer backwards, one part more each time (Adebayo et al. 2018), then each part alone.
    """
    last = len(layers)
    found = [
        Redraw(
            f"cascade-{last - first}", "cascade", frozenset(range(first, last + 1)),
            "every weight" if first == 0 else f"everything behind {layers[first - 1]}",
        )
        for first in range(last, -1, -1)
    ]  # fmt: skip
    found += [
        Redraw(f"alone-{part}", "alone", frozenset({part}), _between(layers, part))
        for part in range(last)
    ]
    return found


def _between(layers: Sequence[str], part: int) -> str:
    if part == 0:
        return f"everything up to {layers[0]}, alone"
    return f"everything from {layers[part - 1]} to {layers[part]}, alone"


@dataclass(frozen=True)
class Parts:
    """Parts of a network, between the layers of maps.

    Parameters
    ----------
    order
        Every layer in order of execution.
    layers
        Those of maps, in that order.
    """

    order: tuple[str, ...]
    layers: tuple[str, ...]

    def of(self, owner: str) -> int:
        """Number of the part that the weights of a layer belong to; those of the model itself are
        in the first, since they are what it begins with.
        """
        place = self._place(owner)
        ends = [self.order.index(name) for name in self.layers]
        return sum(place > end for end in ends)

    def _place(self, owner: str) -> int:
        names = {name.partition("#")[0]: place for place, name in
                 reversed(list(enumerate(self.order)))}  # fmt: skip
        while owner:
            if owner in names:
                return names[owner]
            cut = max(owner.rfind("."), owner.rfind("/"))
            owner = owner[: max(cut, 0)]
        return 0


def parts_of(survey: Survey, layers: Sequence[str]) -> Parts:
    """Parts of a network for maps at these layers; the picture itself is none."""
    own = [name for name in survey.layers if name in layers and name != INPUT]
    return Parts(tuple(survey.layers), tuple(own))


@dataclass
class Shuffling:
    """Function that gives the numbers of each weight in the chosen parts another order.

    Mean and spread of every weight stay, and with them the size of what goes through the network;
    what it learnt does not. The same weight is drawn alike in every network.

    Parameters
    ----------
    parts, chosen
        Parts of the network, and numbers of those that are drawn.
    seed
        Of the draw.
    drawn
        Weights that were drawn so far.
    """

    parts: Parts
    chosen: frozenset[int]
    seed: int = 0
    drawn: int = 0

    def __call__(self, owner: str, name: str, values: np.ndarray) -> np.ndarray:
        """Other values for one weight, or its own."""
        if self.parts.of(owner) not in self.chosen:
            return values
        self.drawn += 1
        random = np.random.default_rng([self.seed, crc32(f"{owner}/{name}".encode())])
        return random.permutation(values.ravel()).reshape(values.shape)
