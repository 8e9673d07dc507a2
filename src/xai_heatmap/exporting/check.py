"""Check of a model with built-in maps against the model alone and the Python formulas."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import onnxruntime
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from xai_heatmap.core.arrays import Activations, Gradients, Inputs, Map, Maps, Native
from xai_heatmap.core.errors import ModelError
from xai_heatmap.core.shapes import Float32
from xai_heatmap.networks.loading.loaded import first_line
from xai_heatmap.networks.onnx.branch import AGAINST, CLASS, MAPS
from xai_heatmap.networks.onnx.graph import source

CLOSE, ALIKE = 1e-3, 0.9999
"""Largest distance of a map from the expected one, relative to the latter's largest value; least
cosine of both."""

ROUNDING = 1e-6
"""Rounding error of sums in float32, as a share of what is added up."""

IMAGES = 3
"""Number of random pictures that a file is tried on, where any number is taken."""

Answers = Mapping[str, np.ndarray]


def answering(model: ModelProto) -> Callable[..., Answers]:
    """The model as a function of pictures, and classes where it has maps: all that plain
    onnxruntime answers, by the names of the outputs.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with _runnable():
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    picture, names = _input(model).name, [value.name for value in session.get_outputs()]
    contrasts = any(value.name == AGAINST for value in model.graph.input)

    def answered(
        x: np.ndarray, category: Sequence[int] | None = None, against: int = -1
    ) -> Answers:
        feeds = {picture: x}
        if category is not None:
            feeds[CLASS] = np.array(category, np.int64)
        if contrasts:
            feeds[AGAINST] = np.array([against], np.int64)
        with _runnable():
            values = [np.asarray(value) for value in session.run(names, feeds)]
        return dict(zip(names, values, strict=True))

    return answered


@contextmanager
def _runnable() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise ModelError(
            f"onnxruntime can't run the exported model: {first_line(error)}. Nothing was written; "
            f"export another layer, or report the model."
        ) from error


def takes_any_number(model: ModelProto, shape: Sequence[int]) -> bool:
    """Whether one picture of `shape` (c, *image) and three of them run, as the file says."""
    picture = source(model, image_shape=shape).picture
    if picture.images is not None:
        return False
    run, lengths = answering(model), [int(n) for n in picture.native(shape)[1:]]
    try:
        for images in (1, IMAGES):
            run(as_taken(model, np.zeros((images, *lengths), np.float32)))
    except ModelError:
        return False
    return True


def same_outputs(found: Answers, alone: Answers) -> bool:
    """Whether every output that the model has alone is equal to the last bit."""
    return all(
        name in found and np.array_equal(found[name], value, equal_nan=value.dtype.kind == "f")
        for name, value in alone.items()
    )


def same_maps(
    found: Answers, expected: Sequence[Maps], noise: Sequence[Float32[np.ndarray, " n"]]
) -> None:
    """Check that every map is the one that Python computes, up to what rounding makes of it.

    Raises
    ------
    ModelError
        If one is not.
    """
    for index, maps in enumerate(expected):
        for own, right, floor in zip(found[f"{MAPS}{index}"], maps, noise[index], strict=True):
            if not alike(own, right, floor=float(floor)):
                raise ModelError(
                    f"Map {index} of the exported model differs from the one that Python "
                    f"computes. Nothing was written; this is a fault of xai-heatmap, please "
                    f"report the model."
                )


def alike(one: Map, other: Map, *, floor: float = 0) -> bool:
    """Whether two maps show the same; what is below `floor` is rounding."""
    scale = float(np.abs(other).max(initial=0))
    if np.abs(one - other).max(initial=0) > CLOSE * scale + floor:
        return False
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return scale <= floor / CLOSE or float((one * other).sum()) >= ALIKE * norms


def rounding(activation: Activations, gradient: Gradients) -> Float32[np.ndarray, " n"]:
    """Largest values of a map of nothing but rounding, where the feature maps cancel out.

    Behind a layer normalisation, for one, Σ_k ∂y/∂A_k ⊙ A_k is zero at every place.
    """
    axes = tuple(range(2, activation.ndim))
    largest = np.abs(activation).max(axis=axes) * np.abs(gradient).max(axis=axes)
    return np.float32(ROUNDING) * largest.sum(axis=1)


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
    return next(v for v in model.graph.input if v.name not in (*stored, CLASS, AGAINST))
