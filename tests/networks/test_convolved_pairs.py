"""Convolutions and batch norms over pairs of tokens are no pictures; those of a decoder are."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402

HEADS = 4


class Attention(nn.Module):
    """Attention whose scores go through a layer of maps, and a decoder on a grid as large."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.both = nn.Conv2d(3, 16, 8, 8), nn.Linear(16, 32)
        conv = nn.Conv2d(HEADS, HEADS, 3, padding=1)
        self.mixed = conv if kind == "conv" else nn.BatchNorm2d(HEADS)
        self.sharp, self.dropped = nn.Softmax(-1), nn.Dropout(0.1)
        self.decoded, self.last = nn.Conv2d(16, 16, 3, padding=1), nn.Linear(16, 3)

    def forward(self, x):
        z = self.patches(x).flatten(2).transpose(1, 2)
        q, k = self.both(z).unflatten(2, (2, HEADS, 4)).permute(2, 0, 3, 1, 4)
        pairs = self.dropped(self.sharp(self.mixed(q @ k.transpose(2, 3) / 2)))
        z = (z + pairs.mean(1) @ z / 4).transpose(1, 2).unflatten(2, (4, 4))
        large = nn.functional.interpolate(z, scale_factor=4)
        return self.last(self.decoded(large).mean((2, 3)))


def in_torch(kind):
    return xh.network(Attention(kind).eval(), image_shape=(3, 32, 32))


def in_keras(kind):
    keras = pytest.importorskip("keras", reason="needs Keras")
    from keras import layers, ops

    class Pairs(layers.Layer):
        """Products of queries and keys, (n, queries, keys, heads)."""

        def call(self, both):
            q, k = ops.split(ops.reshape(both, (-1, 16, HEADS, 16)), 2, axis=-1)
            return ops.einsum("nqhc,nkhc->nqkh", q, k) / 2

    class Joined(layers.Layer):
        """Tokens with what the pairs join, on their grid."""

        def call(self, pairs, z):
            z = z + ops.matmul(ops.sum(pairs, -1), z) / 16
            return ops.reshape(z, (-1, 4, 4, 16))

    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3))
    z = layers.Reshape((16, 16), name="flat")(layers.Conv2D(16, 8, 8, name="patches")(image))
    pairs = Pairs(name="products")(layers.Dense(64, name="both")(z))
    conv = layers.Conv2D(HEADS, 3, padding="same", name="mixed")
    pairs = conv(pairs) if kind == "conv" else layers.BatchNormalization(name="mixed")(pairs)
    pairs = layers.Softmax(axis=2, name="sharp")(pairs)
    z = layers.UpSampling2D(4, name="large")(Joined(name="joined")(pairs, z))
    z = layers.Conv2D(16, 3, padding="same", name="decoded")(z)
    z = layers.Dense(3, name="last")(layers.GlobalAveragePooling2D(name="mean")(z))
    return xh.network(keras.Model(image, z))


@pytest.mark.parametrize("opened", [in_torch, in_keras])
@pytest.mark.parametrize("kind", ["conv", "norm"])
def test_pairs_of_tokens_lie_nowhere_and_a_decoder_of_as_many_places_does(opened, kind):
    layers = opened(kind).layers
    assert layers["patches"].grid == (4, 4)
    assert layers["decoded"].grid == (16, 16)
    for name in ("mixed", "sharp", "dropped", "products"):
        assert name not in layers or layers[name].layout is None, name
