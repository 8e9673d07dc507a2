"""Where cells of Keras layers lie, on every backend: a bright patch against its heat."""

import keras
import numpy as np
import pytest

import xai_heatmap as xh

L = keras.layers
SIZE = (64, 72)
PATCH = 16
ROW, COLUMN = 24, 32


class Mean(L.Layer):
    """A convolution, or its transpose, that averages every channel by itself."""

    def __init__(self, size: int, strides: int = 1, *, back: bool = False, **own: object) -> None:
        super().__init__()
        kernel = np.einsum("ab,cd->abcd", np.ones((size, size)), np.eye(3)) / size**2
        kind = L.Conv2DTranspose if back else L.Conv2D
        constant = keras.initializers.Constant(kernel)
        self.inner = kind(3, size, strides, use_bias=False, kernel_initializer=constant, **own)

    def build(self, shape: object) -> None:
        self.inner.build(shape)

    def call(self, x: object) -> object:
        return self.inner(x)


GEOMETRIES = {
    "rows and columns of zeros": [Mean(4, 4), L.ZeroPadding2D(((0, 1), (0, 1)))],
    "uneven padding": [Mean(4, 4), L.ZeroPadding2D(((1, 0), (0, 2)))],
    "valid": [Mean(2, 2), Mean(5), L.AveragePooling2D(3, 1)],
    "same": [Mean(2, 2), Mean(4, 2, padding="same"), L.ZeroPadding2D(((1, 0), (0, 0)))],
    "cropped": [Mean(2, 2), L.Cropping2D(((1, 0), (0, 2)))],
    "dilated": [Mean(2, 2), Mean(3, dilation_rate=2), Mean(3, dilation_rate=3, padding="same")],
    "transposed": [Mean(4, 4), Mean(4, 2, back=True)],
    "transposed, same": [Mean(4, 4), Mean(3), Mean(2, 2, back=True, padding="same")],
    "repeated": [Mean(4, 4), L.ZeroPadding2D(((0, 1), (0, 1))), L.UpSampling2D(2)],
    "resized": [Mean(2, 2), Mean(5), L.Resizing(31, 37)],
    "pooled": [Mean(2, 2), Mean(3), L.AveragePooling2D(2, 2)],
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_heat_lies_on_the_patch(name: str) -> None:
    image = L.Input((*SIZE, 3))
    x = image
    for part in GEOMETRIES[name]:
        x = part(x)
    constant = keras.initializers.Constant(1.0)
    scores = L.Dense(2, kernel_initializer=constant)(L.GlobalAveragePooling2D()(x))
    network = xh.network(keras.Model(image, scores))
    picture = np.zeros((*SIZE, 3), np.float32)
    picture[ROW : ROW + PATCH, COLUMN : COLUMN + PATCH] = 1
    layer = GEOMETRIES[name][-1].name
    e = xh.explain(network, picture, target=0, method="hirescam", layer=layer, preprocess="ready")
    assert e.layer.placed
    assert e.layer.extent is not None
    share = e.heat().astype(np.float64) / e.heat().sum()
    for axis, middle in enumerate((ROW + PATCH / 2, COLUMN + PATCH / 2)):
        found = share.sum(1 - axis) @ (np.arange(SIZE[axis]) + 0.5)
        assert found == pytest.approx(middle, abs=0.8)
