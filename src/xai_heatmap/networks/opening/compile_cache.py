"""Cache of programs compiled from a Keras model: keys and lifetime."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeVar

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.axes import Axes
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.held import Held
from xai_heatmap.networks.opening.interfaces import Adapter, Undo
from xai_heatmap.networks.opening.taps import answered

Program = TypeVar("Program")

MOST = 16
"""Programs kept for one model; who tries every layer in turn compiles, but fills no memory."""

WITHOUT_SECANT = (
    "Slopes between two runs are needed, which Keras gives on PyTorch and JAX. Set "
    "KERAS_BACKEND=torch before Keras is imported, export the model to ONNX, or choose "
    "`integrated`, which finds them by many small steps."
)


class Built(Adapter, Protocol):
    """An adapter over a Keras model."""

    def holding(self, held: Held) -> "Built":
        """Adapter of the same model with the held inputs `held`."""
        ...

    def turned(self, axes: Axes | None) -> "Built":
        """Adapter of the same model for inputs in the axes `axes`."""
        ...

    def consumed(self, shape: tuple[int, ...]) -> Consumed:
        """Channel axis of an input of `shape`."""
        ...

    def build(self, x: Native) -> None:
        """Build the weights of a model that was never called."""
        ...

    def structure(self) -> tuple[object, ...]:
        """Cache key of the model's structure, equal while a compiled program stays valid."""
        ...

    def objects(self) -> list[Any]:
        """Model and all layers of the model."""
        ...

    def variables(self) -> list[Any]:
        """All that the model reads and could write."""
        ...


def compiled(
    programs: "OrderedDict[Hashable, Program]", key: Hashable, build: Callable[[], Program]
) -> Program:
    """The program under `key`, built where there is none; the least recently used is dropped."""
    if key not in programs:
        programs[key] = build()
        while len(programs) > MOST:
            programs.popitem(last=False)
    programs.move_to_end(key)
    return programs[key]


def undo_key(undo: Undo) -> Hashable:
    """Cache key of an `Undo`, which holds no reference to the part."""
    return None if undo.part is None else id(undo.part), undo.mark


def main_tensor(output: Any) -> Any:
    """First tensor in a layer's output, at which a tap stands."""
    found: list[Any] = []
    answered(output, lambda value: (found.append(value), value)[1])
    return found[0]
