"""Running graphs with onnxruntime: one clear error on failure, no needless copies."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from onnx import ModelProto

from xai_heatmap.core.errors import ModelError, ModelFailed
from xai_heatmap.networks.loading.loaded import first_line

Values = Mapping[str, onnxruntime.OrtValue]
"""Tensors of the runtime by their names."""

SILENT = 4
"""Severity level of onnxruntime's log: errors are raised, so that nothing has to be printed."""


class Session:
    """A graph that onnxruntime has compiled."""

    def __init__(self, model: ModelProto, providers: Sequence[str]) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = SILENT
        try:
            self._session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=list(providers)
            )
        except Exception as error:
            raise _refused("compile", error) from error
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, feeds: Values) -> dict[str, onnxruntime.OrtValue]:
        """Run the session on `feeds` and return every output by the name of the output."""
        try:
            values = self._session.run_with_ort_values(self._outputs, feeds)
        except Exception as error:
            raise _refused("run", error, ModelFailed) from error
        return dict(zip(self._outputs, values, strict=True))


def value(array: np.ndarray) -> onnxruntime.OrtValue:
    """Array as an OrtValue that shares the array's memory."""
    return onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))


def array(value: onnxruntime.OrtValue) -> np.ndarray:
    """View of an output of the runtime as a numpy array, without a copy where DLPack allows."""
    shares = value.device_name() == "cpu" and hasattr(value, "__dlpack__")  # since 1.26
    return np.from_dlpack(value) if shares else value.numpy()


def _refused(what: str, error: Exception, kind: type[ModelError] = ModelError) -> ModelError:
    return kind(
        f"A model that onnxruntime can run is needed, and onnxruntime can't {what} this one: "
        f"{first_line(error)}. Try it in onnxruntime alone; if that fails too, export it again."
    )
