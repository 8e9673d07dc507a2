"""Several inputs or layers of a model, moved together: one row that holds the numbers of all."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xai_heatmap.core.axes import Axes
from xai_heatmap.core.layers.layout import WHOLE, Layout
from xai_heatmap.core.network import INPUT, Network
from xai_heatmap.networks.opening.held import Held, Name
from xai_heatmap.networks.opening.interfaces import Adapter
from xai_heatmap.networks.opening.taps import Site, tapped

ROW = Axes("f")
"""Axes of the row."""


@dataclass(frozen=True)
class Slot:
    """Place of one input or layer in the row.

    Parameters
    ----------
    shape
        Of its values for one image, in the model's own layout.
    start
        Where it begins in the row.
    site
        The layer that it replaces the output of; None for an input.
    layout
        How the values of a layer are read.
    """

    shape: tuple[int, ...]
    start: int
    site: Site | None = None
    layout: Layout = WHOLE

    @property
    def stop(self) -> int:
        """Where it ends in the row."""
        return self.start + math.prod(self.shape)

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Its part of rows (n, numbers), in its own shape."""
        return rows[:, self.start : self.stop].reshape(len(rows), *self.shape)


Slots = Mapping[Name, Slot]


Part = tuple[np.ndarray, Site | None, Layout]
"""Values (n, ...) of an input or layer, the site of a layer, and how these are read."""


def slots_of(values: Mapping[Name, Part]) -> dict[Name, Slot]:
    """Slots of values (n, ...) one after the other, in their order."""
    found, start = dict[Name, Slot](), 0
    for name, (value, site, layout) in values.items():
        found[name] = Slot(tuple(value.shape[1:]), start, site, layout)
        start = found[name].stop
    return found


@dataclass(frozen=True)
class Together:
    """Inputs and layers of a network as one row.

    Parameters
    ----------
    network
        From rows to the scores of the network.
    rows
        (n, numbers): what the images have there.
    slots
        Where each input and layer stands in the row.
    """

    network: Network
    rows: np.ndarray
    slots: Slots


def row_of(values: Mapping[Name, np.ndarray], slots: Slots, images: int) -> np.ndarray:
    """Rows (n, numbers) of values by name; one that has a single row is repeated."""
    parts = [
        np.broadcast_to(values[name], (images, *slot.shape)).reshape(images, -1)
        for name, slot in slots.items()
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def held_beside(held: Held, slots: Slots) -> Held:
    """Held inputs that are in no slot."""
    return Held({name: own for name, own in held.rows.items() if name not in slots}, held.whole)


def scores_of_row(
    adapter: Adapter, held: Held, slots: Slots, x: Any, reshape: Callable[[Any, Sequence[int]], Any]
) -> Any:
    """Scores of a model whose inputs and layers have the values of a row.

    Parameters
    ----------
    adapter
        Of the model.
    held
        Inputs that are in no slot.
    x
        The row, (n, 1, numbers), as a tensor of the framework.
    reshape
        Of the framework: from a tensor (n, numbers) and a shape without the images.
    """
    row = x[:, 0]
    values = {name: reshape(row[:, s.start : s.stop], s.shape) for name, s in slots.items()}
    sites = {str(name): slot.site for name, slot in slots.items() if slot.site is not None}
    inputs = {n: values[n] for n, slot in slots.items() if slot.site is None and n != INPUT}
    inner = adapter.holding(Held({**held.rows, **inputs}, held.whole))
    with tapped(sites, adapter.method, lambda name, _: values[name]):
        return inner.scores(values[INPUT])
