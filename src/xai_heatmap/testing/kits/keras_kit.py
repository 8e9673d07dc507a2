"""The kit of Keras: its small networks with both of their sides."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from xai_heatmap.testing.conformance.kit import CLASSES, Case, images
from xai_heatmap.testing.kits.keras_models import (
    NATIVE,
    DictOutput,
    Drawing,
    Dropout,
    Failing,
    Folding,
    Fragile,
    FunctionalSoftmax,
    Last,
    Mixing,
    Never,
    Plain,
    Residual,
    Tokens,
    TupleLayer,
    TupleOutput,
    Twice,
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


def case(model: keras.Model, layer: str, trunk: Any, head: Any) -> Case:
    """A case of a model that has seen a picture."""
    sides = [array_function(side) for side in (trunk, head) if side is not None]
    return Case(built(model), layer, *sides)


class KerasKit:
    """One small Keras model for each trap."""

    def __init__(self) -> None:
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)

    def _plain(self, model: Plain) -> Case:
        return case(model, "conv", model.conv, model.tail)

    def plain(self) -> Case:
        return self._plain(Plain())

    def residual(self) -> Case:
        model = Residual()
        return case(model, "branch", lambda x: model.branch(model.stem(x)), None)

    def nested(self) -> Case:
        inner = keras.Sequential(
            [keras.Input(NATIVE), layers.Conv2D(5, 3, name="conv"), layers.ReLU()], name="inner"
        )
        end = layers.Dense(CLASSES)
        image = keras.Input(NATIVE)
        model = keras.Model(image, end(layers.GlobalAveragePooling2D()(inner(image))))
        return case(model, "inner/conv", inner.layers[0], lambda a: end(mean(ops.relu(a))))

    def last(self) -> Case:
        model = Last()
        return case(model, "conv", model.conv, mean)

    def twice(self) -> tuple[Case, Case]:
        model = Twice()
        first = case(
            model,
            "same#1",
            lambda x: model.same(model.stem(x)),
            lambda a: model.tail(model.same(ops.relu(a))),
        )
        second = case(
            model,
            "same#2",
            lambda x: model.same(ops.relu(model.same(model.stem(x)))),
            model.tail,
        )
        return first, second

    def never(self) -> tuple[Any, str]:
        return built(Never()), "unused"

    def tuple_layer(self) -> Case:
        model = TupleLayer()
        return case(model, "pair", model.pair.conv, model.tail)

    def tuple_output(self) -> Case:
        return self._plain(TupleOutput())

    def dict_output(self) -> Case:
        return self._plain(DictOutput())

    def softmax(self) -> Case:
        inner = Plain()
        model = wrapped(inner, layers.Softmax())
        return case(model, "plain/conv", inner.conv, inner.tail)

    def functional_softmax(self) -> Case:
        return self._plain(FunctionalSoftmax())

    def sigmoid_unit(self) -> Case:
        inner = Plain(1)
        model = wrapped(inner, layers.Activation("sigmoid"))
        return case(model, "plain/conv", inner.conv, inner.tail)

    def sigmoid_labels(self) -> Case:
        inner = Plain()
        model = wrapped(inner, layers.Activation("sigmoid"))
        return case(model, "plain/conv", inner.conv, inner.tail)

    def dropout(self) -> Case:
        return self._plain(Dropout())

    def frozen(self) -> Case:
        model = Plain()
        model.trainable = False
        return self._plain(model)

    def half(self) -> Case:
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(HALF)
        try:
            model = built(Plain())
        finally:
            keras.config.set_dtype_policy(before)
        wide = built(Plain())
        wide.set_weights([ops.convert_to_numpy(w) for w in model.weights])
        return case(model, "conv", wide.conv, wide.tail)

    def tokens(self) -> Case:
        model = Tokens()
        return case(model, "block", model.trunk, model.tail)

    def folding(self) -> Case:
        model = Folding()
        x = ops.convert_to_tensor(np.moveaxis(images()[1:2], 1, -1))  # `head` is about row 1

        def head(a: Any) -> Any:
            side = ops.broadcast_to(model.side(x), (len(a), 5))
            return model.fc(ops.concatenate([mean(ops.relu(a)), side], axis=1))

        return case(model, "conv", model.conv, head)

    def drawing(self) -> Any:
        return built(Drawing())

    def mixing(self) -> Any:
        return built(Mixing())

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
