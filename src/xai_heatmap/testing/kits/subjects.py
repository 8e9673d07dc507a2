"""What PyTorch, ONNX and Keras bring to the checks of single subjects: places, signals,
boxes, attention, backward rules.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from xai_heatmap.testing.networks import gated
from xai_heatmap.testing.networks.axes import MADE, Weights


@cache
def transformer(kind: str, pool: str) -> tuple[Any, Mapping[str, np.ndarray]]:
    """A small transformer in a framework, and its weights."""
    from xai_heatmap.testing.networks.transformers import TOKEN_TWINS

    model, twin = TOKEN_TWINS[kind](pool)
    return model, {name: value.detach().numpy() for name, value in twin.state_dict().items()}


class TorchSubjects:
    """PyTorch modules."""

    rules = ("libragrad", "deeplift", "bias_terms")

    def segmenting(self) -> Any:
        from xai_heatmap.testing.networks.segmenting import Colours

        return Colours().eval()

    def signals(self, own: Weights) -> Any:
        return MADE["torch"](own)

    def attending(self, pool: str) -> tuple[Any, Mapping[str, np.ndarray]]:
        return transformer("torch", pool)

    def gated(self, own: gated.Weights) -> Any:
        return gated.MADE["torch"](own)

    def detecting(self) -> Any:
        from xai_heatmap.testing.networks.detecting import Bright

        return Bright("detr").eval()

    def levels(self, side: int, classes: int) -> Any:
        from xai_heatmap.testing.networks.levels import Levels

        return Levels(classes).eval()


class OnnxSubjects:
    """ONNX graphs, written by hand."""

    rules = ("libragrad", "deeplift", "bias_terms")

    def segmenting(self) -> Any:
        from xai_heatmap.testing.networks.segmenting import in_onnx

        return in_onnx()

    def signals(self, own: Weights) -> Any:
        return MADE["onnx"](own)

    def attending(self, pool: str) -> tuple[Any, Mapping[str, np.ndarray]]:
        return transformer("onnx", pool)

    def gated(self, own: gated.Weights) -> Any:
        return gated.MADE["onnx"](own)

    def detecting(self) -> Any:
        from xai_heatmap.testing.networks.detecting import in_onnx

        return in_onnx()

    def levels(self, side: int, classes: int) -> Any:
        from xai_heatmap.testing.networks.levels import Levels, in_onnx

        return in_onnx(Levels(classes), side)


class KerasSubjects:
    """Keras models."""

    @property
    def rules(self) -> tuple[str, ...]:
        """Keras on TensorFlow has no slopes between two runs."""
        import keras

        slopes = keras.backend.backend() != "tensorflow"
        return ("libragrad", "bias_terms", *(["deeplift"] if slopes else []))

    def segmenting(self) -> Any:
        from xai_heatmap.testing.networks.segmenting import in_keras

        return in_keras()

    def signals(self, own: Weights) -> Any:
        return MADE["keras"](own)

    def attending(self, pool: str) -> tuple[Any, Mapping[str, np.ndarray]]:
        return transformer("keras", pool)

    def gated(self, own: gated.Weights) -> Any:
        return gated.MADE["keras"](own)

    def detecting(self) -> Any:
        from xai_heatmap.testing.networks.detecting import in_keras

        return in_keras("detr")

    def levels(self, side: int, classes: int) -> Any:
        from xai_heatmap.testing.networks.levels import Levels, in_keras

        return in_keras(Levels(classes), side)
