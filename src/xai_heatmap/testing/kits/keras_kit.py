"""The kit of Keras: its small networks with both of their sides."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from xai_heatmap.testing.conformance.kit import CLASSES, Case, images
from xai_heatmap.testing.kits import keras_models
from xai_heatmap.testing.kits.framework_kit import FrameworkKit
from xai_heatmap.testing.kits.keras_models import (
    NATIVE,
    Dropout,
    Failing,
    Folding,
    Fragile,
    Plain,
    broken,
    built,
    mean,
    wrapped,
)

HALF = "mixed_bfloat16" if keras.backend.backend() == "torch" else "mixed_float16"


def array_function(function: Callable[[Any], Any]) -> Callable[[np.ndarray], np.ndarray]:
    """Function of float32 arrays from one of tensors, feature maps first where there is a grid."""

    def of_arrays(x: np.ndarray) -> np.ndarray:
        native = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if x.ndim == 4 else x
        said = ops.cast(function(ops.convert_to_tensor(native)), "float32")
        array = ops.convert_to_numpy(ops.stop_gradient(said))
        return np.ascontiguousarray(np.moveaxis(array, -1, 1)) if array.ndim == 4 else array

    return of_arrays


class KerasKit(FrameworkKit):
    """One small Keras model for each trap; each has seen a picture."""

    models = keras_models
    relu = staticmethod(ops.relu)
    mean = staticmethod(mean)
    ready = staticmethod(built)

    @staticmethod
    def case(model: keras.Model, layer: str, trunk: Any, head: Any) -> Case:
        sides = [array_function(side) for side in (trunk, head) if side is not None]
        return Case(built(model), layer, *sides)

    def __init__(self) -> None:
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)

    def nested(self) -> Case:
        inner = keras.Sequential(
            [keras.Input(NATIVE), layers.Conv2D(5, 3, name="conv"), layers.ReLU()], name="inner"
        )
        end = layers.Dense(CLASSES)
        image = keras.Input(NATIVE)
        model = keras.Model(image, end(layers.GlobalAveragePooling2D()(inner(image))))
        return self.case(model, "inner/conv", inner.layers[0], lambda a: end(mean(ops.relu(a))))

    def softmax(self) -> Case:
        inner = Plain()
        model = wrapped(inner, layers.Softmax())
        return self.case(model, "plain/conv", inner.conv, inner.tail)

    def sigmoid_unit(self) -> Case:
        inner = Plain(1)
        model = wrapped(inner, layers.Activation("sigmoid"))
        return self.case(model, "plain/conv", inner.conv, inner.tail)

    def sigmoid_labels(self) -> Case:
        inner = Plain()
        model = wrapped(inner, layers.Activation("sigmoid"))
        return self.case(model, "plain/conv", inner.conv, inner.tail)

    def dropout(self) -> Case:
        return self.of_plain(Dropout())

    def frozen(self) -> Case:
        model = Plain()
        model.trainable = False
        return self.of_plain(model)

    def half(self) -> Case:
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(HALF)
        try:
            model = built(Plain())
        finally:
            keras.config.set_dtype_policy(before)
        wide = built(Plain())
        wide.set_weights([ops.convert_to_numpy(w) for w in model.weights])
        return self.case(model, "conv", wide.conv, wide.tail)

    def folding(self) -> Case:
        model = Folding()
        x = ops.convert_to_tensor(np.moveaxis(images()[1:2], 1, -1))  # `head` is about row 1

        def head(a: Any) -> Any:
            side = ops.broadcast_to(model.side(x), (len(a), 5))
            return model.fc(ops.concatenate([mean(ops.relu(a)), side], axis=1))

        return self.case(model, "conv", model.conv, head)

    def failing(self) -> tuple[Any, str, Callable[[], None]]:
        model = built(Failing())
        return model, "conv", lambda: setattr(model.fragile, "activation", broken)

    def gridless(self) -> Any:
        return keras.Sequential(
            [keras.Input(NATIVE), layers.Flatten(), layers.Dense(CLASSES, name="fc")]
        )

    def shrinking(self) -> Any:
        return keras.Sequential(
            [
                keras.Input((None, None, 3)),
                layers.Conv2D(5, 3, activation="relu"),
                layers.MaxPooling2D(2),
                layers.Conv2D(5, 3),
                layers.GlobalAveragePooling2D(),
                layers.Dense(CLASSES),
            ]
        )

    def flattening(self) -> Any:
        return keras.Sequential(
            [keras.Input(NATIVE), layers.Conv2D(5, 3), layers.Flatten(), layers.Dense(CLASSES)]
        )

    def snapshot(self, model: keras.Model) -> object:
        """Attributes, call nodes, losses, flags, values, random states, and Keras's own scopes."""
        return [
            (
                {name: id(value) for name, value in vars(part).items() if name != "activation"},
                isinstance(part, Fragile) or id(vars(part).get("activation")),
                len(part._inbound_nodes),
                len(part._outbound_nodes),
                len(part.losses),
                part.trainable,
                [ops.convert_to_numpy(variable).tolist() for variable in part.variables],
                [variable.trainable for variable in part.variables],
            )
            for part in [model, *model._flatten_layers(include_self=False)]
        ]

    @contextmanager
    def passes(self, model: keras.Model) -> Iterator[Callable[[], int]]:
        count = 0
        first = next(part for part in model._flatten_layers() if isinstance(part, layers.Conv2D))
        own = first.call

        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            return own(*args, **kwargs)

        first.__dict__["call"] = counted
        try:
            yield lambda: count
        finally:
            first.__dict__.pop("call")

    def nudge(self, model: keras.Model, *, to: float | None = None) -> None:
        weight = model.weights[-1]
        values = ops.convert_to_numpy(weight.value)
        weight.assign(np.full_like(values, to) if to is not None else values + 0.5)
