"""The small networks of the conformance checks, in Keras, on whichever backend it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from conformance import CLASSES, SHAPE, Case, images

NATIVE = (*SHAPE[1:], SHAPE[0])
HALF = "mixed_bfloat16" if keras.backend.backend() == "torch" else "mixed_float16"


def array_function(function: Callable[[Any], Any]) -> Callable[[np.ndarray], np.ndarray]:
    """The same function of float32 arrays, feature maps first where there is a grid."""

    def of_arrays(x: np.ndarray) -> np.ndarray:
        native = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if x.ndim == 4 else x
        said = ops.cast(function(ops.convert_to_tensor(native)), "float32")
        array = ops.convert_to_numpy(ops.stop_gradient(said))
        return np.ascontiguousarray(np.moveaxis(array, -1, 1)) if array.ndim == 4 else array

    return of_arrays


def case(model: keras.Model, layer: str, trunk: Any, head: Any) -> Case:
    """A case of a model that has seen a picture."""
    return Case(built(model), layer, array_function(trunk), array_function(head) if head else None)


def built(model: keras.Model) -> keras.Model:
    model(ops.zeros((1, *NATIVE)))
    return model


def mean(a: Any) -> Any:
    return ops.mean(a, axis=(1, 2))


class Plain(keras.Model):
    """Conv, ReLU, pooling, dense."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.conv = layers.Conv2D(5, 3, bias_initializer="normal", name="conv")
        self.relu = layers.ReLU(name="relu")
        self.fc = layers.Dense(classes, name="fc")

    def tail(self, a: Any) -> Any:
        return self.fc(mean(ops.maximum(a, 0)))

    def call(self, x: Any) -> Any:
        return self.answer(self.fc(mean(self.relu(self.conv(x)))))

    def answer(self, logits: Any) -> Any:
        return logits


class Residual(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.stem = layers.Conv2D(5, 3, name="stem")
        self.branch = layers.Conv2D(5, 3, padding="same", name="branch")
        self.joined = layers.Activation("tanh", name="act")
        self.fc = layers.Dense(CLASSES, name="fc")

    def call(self, x: Any) -> Any:
        skip = self.stem(x)
        return self.fc(mean(self.joined(self.branch(skip) + skip)))


class Last(keras.Model):
    """The last part is a grid; what follows is only arithmetic."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(CLASSES, 3, name="conv")

    def call(self, x: Any) -> Any:
        return mean(self.conv(x))


class Twice(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.stem = layers.Conv2D(5, 3, name="stem")
        self.same = layers.Conv2D(5, 3, padding="same", name="same")
        self.fc = layers.Dense(CLASSES, name="fc")

    def tail(self, a: Any) -> Any:
        return self.fc(mean(ops.tanh(a)))

    def call(self, x: Any) -> Any:
        return self.tail(self.same(ops.relu(self.same(self.stem(x)))))


class Never(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.unused = layers.ReLU(name="unused")


class Pair(layers.Layer):
    def __init__(self) -> None:
        super().__init__(name="pair")
        self.conv = layers.Conv2D(5, 3, name="conv")

    def build(self, shape: Any) -> None:
        self.conv.build(shape)

    def call(self, x: Any) -> Any:
        return self.conv(x), {"stride": 1}


class TupleLayer(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()
        self.fc = layers.Dense(CLASSES, name="fc")

    def tail(self, a: Any) -> Any:
        return self.fc(mean(ops.relu(a)))

    def call(self, x: Any) -> Any:
        return self.tail(self.pair(x)[0])


class TupleOutput(Plain):
    def answer(self, logits: Any) -> Any:
        return logits, ops.zeros_like(logits)[:, :, None]


class DictOutput(Plain):
    def answer(self, logits: Any) -> Any:
        return {"hidden": ops.zeros_like(logits), "logits": logits}


class FunctionalSoftmax(Plain):
    def answer(self, logits: Any) -> Any:
        return ops.softmax(logits)


class Dropout(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.norm = layers.BatchNormalization(
            moving_mean_initializer="normal",
            moving_variance_initializer=keras.initializers.RandomUniform(0.5, 2),
            name="norm",
        )
        self.drop = layers.Dropout(0.5, name="drop")

    def tail(self, a: Any) -> Any:
        return self.fc(mean(ops.relu(self.norm(a, training=False))))

    def call(self, x: Any, training: bool | None = None) -> Any:
        a = self.relu(self.norm(self.conv(x), training=training))
        return self.fc(mean(self.drop(a, training=training)))


class Token(layers.Layer):
    """A class token before the patches."""

    def build(self, shape: Any) -> None:
        self.cls = self.add_weight(shape=(1, 1, shape[-1]), initializer="normal", name="cls")

    def call(self, patches: Any) -> Any:
        flat = ops.reshape(patches, (-1, patches.shape[1] * patches.shape[2], patches.shape[3]))
        cls = ops.broadcast_to(self.cls, (ops.shape(flat)[0], 1, flat.shape[2]))
        return ops.concatenate([cls, flat], axis=1)


class Tokens(keras.Model):
    """A class token before 6 x 6 patches, mixed once, read off the class token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = layers.Conv2D(5, 3, name="embed")
        self.token = Token(name="token")
        self.block = layers.Dense(5, bias_initializer="normal", name="block")
        self.mix = layers.Dense(37, name="mix")
        self.fc = layers.Dense(CLASSES, name="fc")

    def trunk(self, x: Any) -> Any:
        return self.block(self.embed(x))

    def tail(self, a: Any) -> Any:
        flat = ops.reshape(a, (-1, 36, 5))
        prefix = ops.broadcast_to(self.block(ops.convert_to_tensor(self.token.cls)), (len(a), 1, 5))
        return self.read(ops.concatenate([prefix, flat], axis=1))

    def read(self, tokens: Any) -> Any:
        return self.fc(ops.tanh(self.mix(ops.transpose(tokens, (0, 2, 1))))[..., 0])

    def call(self, x: Any) -> Any:
        return self.read(self.block(self.token(self.embed(x))))


class Folding(keras.Model):
    """Beside the layer explained, a part runs on the picture cut in two along the image axis."""

    def __init__(self) -> None:
        super().__init__()
        self.halves = layers.Conv2D(5, 3, name="halves")
        self.conv = layers.Conv2D(5, 3, name="conv")
        self.fc = layers.Dense(CLASSES, name="fc")

    def side(self, x: Any) -> Any:
        folded = self.halves(ops.concatenate([x[:, :4], x[:, 4:]], axis=0))
        return ops.sum(ops.reshape(mean(ops.relu(folded)), (2, -1, 5)), axis=0)

    def call(self, x: Any) -> Any:
        side = self.side(x)
        return self.fc(ops.concatenate([mean(ops.relu(self.conv(x))), side], axis=1))


class Fragile(layers.Layer):
    """Breaks when it is told to; its activation function tells that it is not what it was."""

    def __init__(self) -> None:
        super().__init__(name="fragile")
        self.activation = keras.activations.linear

    def call(self, x: Any) -> Any:
        return self.activation(x)


def broken(_: Any) -> Any:
    return 1 // 0


class Failing(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.fragile = Fragile()

    def answer(self, logits: Any) -> Any:
        return self.fragile(logits)


def wrapped(inner: keras.Model, closing: Any) -> keras.Model:
    """A functional model around another, closed."""
    image = keras.Input(NATIVE)
    return keras.Model(image, closing(built(inner)(image)))


class Drawing(Plain):
    """A dropout that is never off."""

    def __init__(self) -> None:
        super().__init__()
        self.last = layers.Conv2D(5, 3, name="last")
        self.dropout = layers.Dropout(0.5, seed=0)

    def between(self, a: Any) -> Any:
        return self.dropout(a, training=True)

    def call(self, x: Any) -> Any:
        return self.tail(self.last(self.between(self.conv(x))))


class Mixing(Drawing):
    def between(self, a: Any) -> Any:
        return a - ops.mean(a, axis=0, keepdims=True) / 2


class KerasKit:
    """One small Keras model for each trap."""

    def __init__(self) -> None:
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)

    def _plain(self, model: Plain) -> Case:
        return case(model, "conv", lambda x: model.conv(x), model.tail)

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
