"""Engine of Keras on PyTorch: as for PyTorch, with the weights of Keras."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import torch
from torch import nn

from xai_heatmap.core.arrays import Native
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.compile_cache import Built
from xai_heatmap.networks.opening.interfaces import Adapter, ModelTrace, Undo
from xai_heatmap.networks.torch.engine import TorchEngine
from xai_heatmap.networks.torch.plainly import plainly


class KerasTorchEngine(TorchEngine):
    """Follows, differentiates and replays the tensors of a Keras model that runs on torch."""

    def __init__(self, adapter: Built, *, kept: dict[Any, Any]) -> None:
        values = (variable.value for variable in adapter.variables())
        home = next(values, None)
        anywhere: Any = keras.ops.zeros(()) if home is None else home
        super().__init__(
            home=lambda: (anywhere.device, torch.float32),
            modules=lambda: [part for part in adapter.objects() if isinstance(part, nn.Module)],
            kept=kept,
        )
        self._keras = adapter

    def survey(self, adapter: Adapter, x: Native) -> ModelTrace:
        """Watch every layer once, the model built before."""
        self._keras.turned(adapter.axes).holding(adapter.held).build(x)
        return super().survey(adapter, x)

    def consumed(self, adapter: Adapter, shape: tuple[int, ...]) -> Consumed:
        """Channel axis of an input, by the layers of the model."""
        del adapter
        return self._keras.consumed(shape)

    @contextmanager
    def running(self, adapter: Adapter, undo: Undo, *, again: bool = False) -> Iterator[None]:
        with super().running(adapter, undo, again=again), plainly(()):
            values = (variable.value for variable in self._keras.variables())
            learning = [value for value in values if value.requires_grad]
            try:
                for value in learning:
                    value.requires_grad_(False)
                yield
            finally:
                for value in learning:
                    value.requires_grad_(True)
