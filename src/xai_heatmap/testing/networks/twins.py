"""The plain network of each backend's kit, and a PyTorch network of the same weights."""

import numpy as np
import torch
from onnx import numpy_helper

from xai_heatmap.testing.kits.torch_kit import Plain


def torch_twin() -> tuple[object, Plain]:
    """The PyTorch network, and the same as the twin."""
    torch.manual_seed(3)
    model = Plain().eval()
    return model, model


def onnx_twin() -> tuple[object, Plain]:
    """The ONNX model, and a PyTorch network of its weights."""
    from xai_heatmap.testing.kits.onnx_kit import OnnxKit

    model = OnnxKit().plain().model
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    return model, filled(stored)


def keras_twin() -> tuple[object, Plain]:
    """The Keras model, and a PyTorch network of its weights."""
    import keras

    from xai_heatmap.testing.kits.keras_kit import KerasKit

    keras.utils.set_random_seed(3)
    model = KerasKit().plain().model
    kernel, bias, weight, offset = model.get_weights()
    stored = {
        "conv.weight": kernel.transpose(3, 2, 0, 1),
        "conv.bias": bias,
        "fc.weight": weight.T,
        "fc.bias": offset,
    }
    return model, filled(stored)


def filled(stored: dict[str, np.ndarray]) -> Plain:
    """The plain PyTorch network with these weights."""
    model = Plain()
    with torch.no_grad():
        for name, value in stored.items():
            model.get_parameter(name).copy_(torch.tensor(value))
    return model.eval()


TWINS = {"torch": torch_twin, "onnx": onnx_twin, "keras": keras_twin}
