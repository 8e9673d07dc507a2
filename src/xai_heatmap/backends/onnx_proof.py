"""Whether a model with built-in maps answers what the model alone and the Python formulas do."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from xai_heatmap.backends.loaded import first_line
from xai_heatmap.backends.onnx_branch import CLASS, MAPS
from xai_heatmap.backends.onnx_graph import source
from xai_heatmap.core.arrays import Inputs, Maps, Native
from xai_heatmap.core.errors import ModelError

CLOSE, ALIKE = 1e-3, 0.9999
"""How far a map may be from the expected one, relative to its largest value; their cosine."""

IMAGES = 2
"""How many random pictures a file is tried on, where it takes any number."""

Answers = Mapping[str, np.ndarray]


def answers(
    model: ModelProto, x: np.ndarray, category: Sequence[int] | None = None
) -> dict[str, np.ndarray]:
    """All that plain onnxruntime answers, by the names of the outputs."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        feeds = {_input(model).name: x}
        if category is not None:
            feeds[CLASS] = np.array(category, np.int64)
        names = [value.name for value in session.get_outputs()]
        values = [np.asarray(value) for value in session.run(names, feeds)]
        return dict(zip(names, values, strict=True))
    except Exception as error:
        raise ModelError(
            f"onnxruntime can't run the exported model: {first_line(error)}. Nothing was written; "
            f"export another layer, or report the model."
        ) from error


def same_outputs(found: Answers, alone: Answers) -> bool:
    """Whether every output that the model has alone is equal to the last bit."""
    return all(
        name in found and np.array_equal(found[name], value, equal_nan=value.dtype.kind == "f")
        for name, value in alone.items()
    )


def same_maps(found: Answers, expected: Sequence[Maps]) -> None:
    """Every map is the one that Python computes."""
    for index, maps in enumerate(expected):
        for own, right in zip(found[f"{MAPS}{index}"], maps, strict=True):
            if not alike(own, right):
                raise ModelError(
                    f"Map {index} of the exported model differs from the one that Python "
                    f"computes. Nothing was written; this is a fault of xai-heatmap, please "
                    f"report the model."
                )


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two maps show the same."""
    scale = max(float(np.abs(other).max(initial=0)), float(np.finfo(np.float32).tiny))
    if np.abs(one - other).max(initial=0) > CLOSE * scale:
        return False
    norms = np.linalg.norm(one) * np.linalg.norm(other)
    return norms == 0 or float((one * other).sum() / norms) >= ALIKE


def pictures(model: ModelProto, shape: Sequence[int]) -> Inputs:
    """Random pictures of `shape` (c, *image) that can be had in the type that the model takes."""
    picture = source(model, image_shape=shape).picture
    x = np.random.default_rng(0).normal(size=(picture.images or IMAGES, *shape))
    if np.issubdtype(_dtype(model), np.integer):
        x = np.clip(np.round(128 + 40 * x), 0, 255)
    return x.astype(_dtype(model)).astype(np.float32)


def as_taken(model: ModelProto, x: Native) -> np.ndarray:
    """Pictures in the type that the model takes."""
    return np.ascontiguousarray(x.astype(_dtype(model)))


def _dtype(model: ModelProto) -> np.dtype:
    kind = _input(model).type.tensor_type.elem_type
    return np.dtype(helper.tensor_dtype_to_np_dtype(kind or TensorProto.FLOAT))


def _input(model: ModelProto) -> ValueInfoProto:
    """The one that takes pictures; old models list their weights among the inputs too."""
    stored = {initializer.name for initializer in model.graph.initializer}
    return next(v for v in model.graph.input if v.name not in stored and v.name != CLASS)
