"""`keras.Model` of every kind as a network; the parts are the layers, run by `call`.

Functional, Sequential, subclassed and nested models are the same here: a layer's `call` is tapped
where it runs.
"""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import keras
import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.axes import Axes
from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.errors import NotAModel
from xai_heatmap.core.network import Declared
from xai_heatmap.core.redrawing import Draw
from xai_heatmap.networks.keras.anchored import with_boxes
from xai_heatmap.networks.keras.axes import consumed
from xai_heatmap.networks.keras.final_activation import ENDS_IN_ITS_ACTIVATION, closing_in
from xai_heatmap.networks.keras.preprocess import preset
from xai_heatmap.networks.keras.redrawn import redrawn
from xai_heatmap.networks.keras.structure import (
    Inventory,
    channels_last_in,
    image_shape_in,
    input_shape_of,
    symbolic_inputs,
)
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.box_outputs import known, resolved, together
from xai_heatmap.networks.opening.calling import Call, call_of
from xai_heatmap.networks.opening.declared_inputs import Declaration, as_declared, picture_among
from xai_heatmap.networks.opening.held import Given, Held, Name, in_rows
from xai_heatmap.networks.opening.interfaces import Closing, Engine
from xai_heatmap.networks.opening.model_cache import ModelCache, cache_of
from xai_heatmap.networks.opening.network import OpenedNetwork
from xai_heatmap.networks.opening.outputs import scores_in
from xai_heatmap.networks.opening.side_by_side import Output, SideBySide
from xai_heatmap.networks.opening.taps import intercepted
from xai_heatmap.networks.opening.together import Slots
from xai_heatmap.networks.opening.unchanged import unchanged


def open_keras(
    model: keras.Model,
    *,
    image_shape: Sequence[int] | None = None,
    output: Output = None,
    keep_closing: bool = False,
    held: Given = MappingProxyType({}),
    picture: Name | None = None,
    axes: Axes | None = None,
) -> OpenedNetwork:
    """A network over `model`, on the backend that Keras runs on.

    Raises
    ------
    BadOption, BadArray
        If the model takes more than the picture and what is held, or takes it in another shape.
    """
    adapter = KerasAdapter(model, output=output, held=held, picture=picture)
    state = cache_of(model)
    return OpenedNetwork(
        adapter,
        engine_of(adapter, state.kept),
        state,
        image_shape=image_shape,
        keep_closing=keep_closing,
        axes=axes,
    )


class KerasAdapter:
    """Adapter of a `keras.Model`."""

    method = "call"
    axes: Axes | None = None

    def __init__(
        self,
        model: keras.Model,
        *,
        output: Output,
        held: Given = MappingProxyType({}),
        picture: Name | None = None,
    ) -> None:
        self._model = model
        self._inventory = Inventory(model)
        self._asked = picture
        self.output = output
        self._boxes = {None: output if isinstance(output, Boxes) else None}
        self.name: str = model.name
        self.held = Held()
        self._take(held)
        shape = input_shape_of(model, self._picture)
        self.channels_last = channels_last_in(self.parts(), shape)
        self.declared = Declared(
            image_shape_in(shape, channels_last=self.channels_last), preset(model), fit="stretch"
        )

    def _take(self, given: Given) -> None:
        """Add the values `given` to the held inputs, and find the call convention of the model."""
        self._picture, self._call = "", Call()
        if inputs := symbolic_inputs(self._model):
            declared = {i.name: Declaration(tuple(i.shape), i.dtype) for i in inputs}
            held = {**dict.fromkeys(self.held.names), **given}
            self._picture = picture_among(declared, held, self._asked, model=self.name) or ""
            self.held |= as_declared(declared, given)
        else:
            self.held |= in_rows(given)
            self._call = call_of(self._model.call, self.held.names, self._asked, model=self.name)

    @property
    def boxes(self) -> Boxes | None:
        """Boxes of a detector: as named by the user, or as found when the model last ran."""
        return self._boxes[None]

    def taking(self, given: Given) -> "KerasAdapter":
        """Adapter of the same model with the values `given` added to the held inputs."""
        other = copy.copy(self)
        other._take(given)  # noqa: SLF001 - of its own kind
        return other

    def redrawn(self, draw: Draw) -> tuple["KerasAdapter", Engine, ModelCache]:
        """Adapter, engine and cache of a copy of the model with other weights."""
        other = copy.copy(self)
        other._model = redrawn(self._model, draw)  # noqa: SLF001 - of its own kind
        other._inventory = Inventory(other._model)  # noqa: SLF001 - of its own kind
        other._boxes, state = dict(self._boxes), cache_of(other._model)  # noqa: SLF001
        return other, engine_of(other, state.kept), state

    def own_call(self, x: Native) -> np.ndarray:
        """Answer of the model's own call, for inference."""
        with self.ready():
            answered = self.scores(keras.ops.convert_to_tensor(np.ascontiguousarray(x)))
            return np.asarray(keras.ops.convert_to_numpy(keras.ops.stop_gradient(answered)))

    def in_a_row(self, slots: Slots) -> tuple["KerasAdapter", Engine]:
        """Adapter that takes a row of several inputs or layers, and the engine of it."""
        from xai_heatmap.networks.keras.together import row_adapter

        return row_adapter(self, slots)

    def holding(self, held: Held) -> "KerasAdapter":
        """Adapter of the same model with the held inputs `held`."""
        other = copy.copy(self)
        other.held = held
        return other

    @property
    def others(self) -> Sequence[str]:
        """Arguments of the model that are left out."""
        return self._call.others

    def turned(self, axes: Axes | None) -> "KerasAdapter":
        """Adapter of the same model for inputs in the axes `axes`."""
        other = copy.copy(self)
        other.axes = axes
        return other

    def consumed(self, shape: tuple[int, ...]) -> Consumed:
        """Channel axis of an input of `shape`."""
        return consumed(self._model, shape)

    def parts(self) -> Mapping[str, keras.Layer]:
        """Every layer by its path, ``outer/inner``; a layer with several paths by the first."""
        return self._inventory.layers()

    def structure(self) -> tuple[object, ...]:
        """Equal for as long as a program compiled from the model is right."""
        return self.output, self._inventory.activations()

    def objects(self) -> list[keras.Layer]:
        """Model and all layers of the model."""
        return [self._model, *self.parts().values()]

    def variables(self) -> list[keras.Variable]:
        """All that the model reads and could write, random states too."""
        return self._inventory.variables()

    def build(self, x: Native) -> None:
        """Build the weights of a model that was never called."""
        if not self._model.built:
            self._answer(keras.ops.convert_to_tensor(x))

    @contextmanager
    def ready(self) -> Iterator[None]:
        """A block in which nothing of the model is written that lasts: no variable and no loss, no
        attribute of a layer.
        """
        with keras.StatelessScope(), unchanged(self.objects()):
            yield

    def scores(self, x: Any) -> Any:
        """Call the model for inference; return the scores, for a detector joined with the boxes."""
        answered, anchored = with_boxes(self._answer(x), self._model, x)
        how = self.boxes or anchored
        if how is None and self.output is None:
            image = tuple(x.shape[1:-1] if self.channels_last else x.shape[2:])
            how = known(answered, image=image, numbers=_numbers)
        if how is None:
            if isinstance(self.output, SideBySide):
                return self.output.row(answered, _flat, _in_a_row)
            which = None if isinstance(self.output, Boxes) else self.output
            return scores_in(answered, which=which)
        self._boxes[None] = found = resolved(
            answered, how, numbers=_numbers
        )  # with an engine's own values, too
        return together(answered, found, _joined)

    def _answer(self, x: Any) -> Any:
        x = x if self.axes is None else _turned(x, self.axes, channels_last=self.channels_last)
        if not self.held:
            return self._model(x, training=False)
        shape: Any = keras.ops.shape(x)
        if all(isinstance(value, np.ndarray) for value in self.held.rows.values()):
            tensors = self.held.with_arrays(map(keras.ops.convert_to_tensor, self.held.arrays))
        else:
            tensors = self.held  # an engine has put its own in their place

        def repeated(row: Any) -> Any:
            return keras.ops.broadcast_to(row, (shape[0], *row.shape[1:]))

        held = tensors.spread(repeated)
        if self._picture:
            values = {self._picture: x, **held}
            own = keras.tree.map_structure(lambda one: values[one.name], self._model.input)
            return self._model(own, training=False)
        places, names = self._call.arguments(x, held)
        return self._model(*places, **names, training=False)

    def closing_of(self, part: object) -> Closing | None:
        """Softmax layers close, and layers whose activation is softmax or sigmoid."""
        return closing_in(part)

    @contextmanager
    def undone(self, part: object | None) -> Iterator[None]:
        """Within the block, the final activation of `part` is replaced by the identity."""
        if isinstance(part, ENDS_IN_ITS_ACTIVATION):
            with intercepted([part], "activation", lambda _, __: keras.activations.linear):
                yield
        else:
            closing = [part] if part is not None else []
            with intercepted(closing, self.method, lambda _, __: lambda x, *_, **__: x):
                yield


def _turned(x: Any, axes: Axes, *, channels_last: bool) -> Any:
    """Move the channels of inputs from the framework's place to the place in the model's axes."""
    place = len(axes.grid) + 1 if channels_last else 1
    if axes.channel is None:
        return keras.ops.squeeze(x, axis=place)
    return keras.ops.moveaxis(x, place, 1 + axes.channel)


def _flat(part: Any) -> Any:
    return keras.ops.reshape(part, (-1, math.prod(part.shape[1:])))


def _numbers(part: Any) -> np.ndarray | None:
    """Numbers of a tensor; None while it stands for one."""
    try:
        return np.asarray(keras.ops.convert_to_numpy(part), np.float32)
    except Exception:  # noqa: BLE001 - every backend has its own error for a value that is traced
        return None


def _in_a_row(parts: list[Any]) -> Any:
    return keras.ops.concatenate([keras.ops.cast(p, parts[0].dtype) for p in parts], axis=1)


def _joined(scores: Any, boxes: Any) -> Any:
    return keras.ops.concatenate([scores, keras.ops.cast(boxes, scores.dtype)], axis=-1)


def engine_of(adapter: KerasAdapter, kept: dict[Any, Any]) -> Engine:
    """Engine of the Keras backend; other frameworks are not imported."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from xai_heatmap.networks.keras.on_tensorflow.engine import TensorflowEngine

        return TensorflowEngine(adapter, kept=kept)
    if backend == "jax":
        from xai_heatmap.networks.keras.on_jax.engine import JaxEngine

        return JaxEngine(adapter, kept=kept)
    if backend == "torch":
        from xai_heatmap.networks.keras.on_torch.engine import KerasTorchEngine

        return KerasTorchEngine(adapter, kept=kept)
    raise NotAModel(
        f"Keras runs on {backend!r}, which can't be differentiated. Set KERAS_BACKEND to "
        "tensorflow, jax or torch before Keras is imported."
    )
