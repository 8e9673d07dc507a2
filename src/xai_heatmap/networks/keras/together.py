"""Several inputs or layers of a Keras model as one row."""

import copy
from collections.abc import Sequence
from typing import Any

import keras

from xai_heatmap.core.network import Declared
from xai_heatmap.networks.keras.model import KerasAdapter, engine_of
from xai_heatmap.networks.opening.interfaces import Engine
from xai_heatmap.networks.opening.together import ROW, Slots, held_beside, scores_of_row


class RowAdapter(KerasAdapter):
    """Adapter of a model that takes the row; made by `row_adapter`."""

    inner: KerasAdapter
    slots: Slots

    def scores(self, x: Any) -> Any:
        """Scores of rows (n, 1, numbers)."""
        return scores_of_row(self.inner, self.held, self.slots, x, _reshaped)

    def build(self, x: Any) -> None:
        """The model was called before, for the values of the row."""


def row_adapter(adapter: KerasAdapter, slots: Slots) -> tuple[RowAdapter, Engine]:
    """Adapter of the row of a model, and its engine."""
    own = object.__new__(RowAdapter)
    vars(own).update(vars(copy.copy(adapter)))
    own.inner, own.slots, own.axes, own.channels_last = adapter, slots, ROW, False
    own.held = held_beside(adapter.held, slots)
    own.declared = Declared(labels=adapter.declared.labels, answers=adapter.declared.answers)
    return own, engine_of(own, {})


def _reshaped(part: Any, shape: Sequence[int]) -> Any:
    return keras.ops.reshape(part, (-1, *shape))
