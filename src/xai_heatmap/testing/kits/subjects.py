"""What PyTorch, ONNX and Keras bring to the checks of single subjects: places, signals."""

from typing import Any

from xai_heatmap.testing.networks.axes import MADE, Weights


class TorchSubjects:
    """PyTorch modules."""

    def segmenting(self) -> Any:
        from xai_heatmap.testing.networks.segmenting import Colours

        return Colours().eval()

    def signals(self, own: Weights) -> Any:
        return MADE["torch"](own)


class OnnxSubjects:
    """ONNX graphs, written by hand."""

    def segmenting(self) -> Any:
        from xai_heatmap.testing.networks.segmenting import in_onnx

        return in_onnx()

    def signals(self, own: Weights) -> Any:
        return MADE["onnx"](own)


class KerasSubjects:
    """Keras models."""

    def segmenting(self) -> Any:
        from xai_heatmap.testing.networks.segmenting import in_keras

        return in_keras()

    def signals(self, own: Weights) -> Any:
        return MADE["keras"](own)
