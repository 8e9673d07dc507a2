"""Several inputs or layers of a PyTorch model as one row."""

import copy
from collections.abc import Sequence

import torch

from xai_heatmap.core.network import Declared
from xai_heatmap.networks.opening.interfaces import Engine
from xai_heatmap.networks.opening.together import ROW, Slots, held_beside, scores_of_row
from xai_heatmap.networks.torch.engine import TorchEngine
from xai_heatmap.networks.torch.model import ModuleAdapter
from xai_heatmap.networks.torch.module_tree import modules_of
from xai_heatmap.networks.torch.weights import home_of


class RowAdapter(ModuleAdapter):
    """Adapter of a model that takes the row; made by `row_adapter`."""

    inner: ModuleAdapter
    slots: Slots

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of rows (n, 1, numbers)."""
        return scores_of_row(self.inner, self.held, self.slots, x, _reshaped)


def row_adapter(adapter: ModuleAdapter, slots: Slots) -> tuple[RowAdapter, Engine]:
    """Adapter of the row of a model, and its engine."""
    own = object.__new__(RowAdapter)
    vars(own).update(vars(copy.copy(adapter)))
    own.inner, own.slots, own.axes = adapter, slots, ROW
    own.held = held_beside(adapter.held, slots)
    own.declared = Declared(labels=adapter.declared.labels, answers=adapter.declared.answers)
    module = adapter.module
    return own, TorchEngine(
        home=lambda: home_of(module), modules=lambda: modules_of(module), kept={}
    )


def _reshaped(part: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    return part.reshape(len(part), *shape)
