"""Small Keras networks, one for each trap, on whichever backend Keras runs."""

from typing import Any

import keras
from keras import layers, ops

from xai_heatmap.testing.conformance.kit import CLASSES, SHAPE

NATIVE = (*SHAPE[1:], SHAPE[0])


def built(model: keras.Model) -> keras.Model:
    """The model, after it has seen a picture."""
    model(ops.zeros((1, *NATIVE)))
    return model


def mean(a: Any) -> Any:
    """The mean over the grid, n h w k to n k."""
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
    """Network with a part, beside the layer explained, that runs on the picture cut in two along
    the image axis.
    """

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
    """Always fails."""
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
