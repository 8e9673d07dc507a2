"""A shipped network as a ``keras.Model``, on whatever backend Keras runs.

Its layers have underscores for the dots in their names: Keras on PyTorch takes no dots.
"""

from typing import Any

import numpy as np

from xai_heatmap.networks.keras.imported import imported_keras
from xai_heatmap.networks.loading.demo.architecture import SIDE, STEPS, Convolution
from xai_heatmap.networks.loading.demo.shipped import Arrays


def twin(arrays: Arrays, *, name: str) -> Any:
    """Keras network with the weights `arrays`; pictures are channels last."""
    keras = imported_keras(purpose=f"The Keras twin of {name!r}")
    layers = keras.layers
    picture = x = keras.Input((SIDE, SIDE, 3), name="picture")
    for step in STEPS:
        if isinstance(step, Convolution):
            x = _convolved(layers, step, x)
            continue
        y = x
        for part in step.steps:
            y = _convolved(layers, part, y)
        total = layers.Add(name=called(f"{step.name}.sum"))([x, y])
        x = layers.ReLU(name=called(step.name))(total)
    x = layers.GlobalAveragePooling2D(name="pool", data_format="channels_last")(x)
    x = layers.Dense(len(arrays["classifier.bias"]), name="classifier")(x)
    model = keras.Model(picture, x, name=name.replace("-", "_"))
    for key in sorted({key.rpartition(".")[0] for key in arrays}):
        weight, bias = arrays[f"{key}.weight"], arrays[f"{key}.bias"]
        _owner(model, key).set_weights([_kernel(weight), bias])
    return model


def called(name: str) -> str:
    """Name of a step as the name of a Keras layer."""
    return name.replace(".", "_")


def _convolved(layers: Any, step: Convolution, x: Any) -> Any:
    """Convolution padded equally on both sides, unlike ``padding="same"`` with strides."""
    same = step.stride == 1
    if not same:
        x = layers.ZeroPadding2D(
            step.padding, name=called(f"{step.name}.pad"), data_format="channels_last"
        )(x)
    how = {
        "kernel_size": step.kernel,
        "strides": step.stride,
        "padding": "same" if same else "valid",
        "data_format": "channels_last",
        "name": called(f"{step.name}.conv" if step.relu else step.name),
    }
    convolve = layers.Conv2D if step.groups == 1 else layers.DepthwiseConv2D
    x = convolve(**how, **({"filters": step.outputs} if step.groups == 1 else {}))(x)
    return layers.ReLU(name=called(step.name))(x) if step.relu else x


def _owner(model: Any, key: str) -> Any:
    found = model.get_layer(called(key))
    return found if found.weights else model.get_layer(called(f"{key}.conv"))


def _kernel(weight: np.ndarray) -> np.ndarray:
    """Kernel (outputs, inputs, rows, columns) in Keras's order; depthwise ones have one input."""
    if weight.ndim == 2:
        return weight.T
    depthwise = weight.shape[1] == 1
    return weight.transpose(2, 3, 0, 1) if depthwise else weight.transpose(2, 3, 1, 0)
