"""The plain network of each backend's kit, and a PyTorch network of the same weights."""

import numpy as np
import torch
from onnx import numpy_helper
from torch_kit import Plain


def torch_twin() -> tuple[object, Plain]:
    torch.manual_seed(3)
    model = Plain().eval()
    return model, model


def onnx_twin() -> tuple[object, Plain]:
    from onnx_kit import OnnxKit

    model = OnnxKit().plain().model
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    return model, filled(stored)


def keras_twin() -> tuple[object, Plain]:
    import keras
    from keras_kit import KerasKit

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
    model = Plain()
    with torch.no_grad():
        for name, value in stored.items():
            model.get_parameter(name).copy_(torch.tensor(value))
    return model.eval()


TWINS = {"torch": torch_twin, "onnx": onnx_twin, "keras": keras_twin}
