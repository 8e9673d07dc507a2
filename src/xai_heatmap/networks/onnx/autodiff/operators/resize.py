"""Resizing: along each axis a matrix R with y = R x, so ∂x = Rᵀ g."""

import numpy as np

from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op


@rule("Resize")
def resize(node: Node, g: Tensor) -> Tensor:
    """∂x = Rᵀ g along every axis that was resized, R the matrix of its interpolation.

    Nearest and linear. Refused: cubic, antialiasing, cropping (tf_crop_and_resize), and axes whose
    size is open;
    nearest with half_pixel_symmetric.
    """
    mode, coordinate = (
        node.attribute("mode", "nearest"),
        node.attribute("coordinate_transformation_mode", "half_pixel"),
    )
    if mode not in _MATRIX:
        raise node.refused(f"interpolation {mode!r} is not covered")
    if coordinate not in _PLACE or node.attribute("antialias", 0):
        raise node.refused(f"coordinates {coordinate!r} or antialiasing are not covered")
    if (mode, coordinate) == ("nearest", "half_pixel_symmetric"):
        raise node.refused("runtimes differ in how they round its coordinates")
    if node.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise node.refused("a size that keeps the aspect ratio is not covered")
    for axis, (long, short, scale) in _resized(node).items():
        # In float32, as runtimes compute it: on a border between two entries every bit counts.
        places = _PLACE[coordinate](np.arange(long, dtype=np.float32), long, short, scale)
        matrix = _MATRIX[mode](node, places, short)
        g = _along(g, matrix.astype(g.dtype), axis, rank=len(node.shape(node.input)))
    return g


def _resized(node: Node) -> dict[int, tuple[int, int, float]]:
    """New length, old length and scale of every axis that changes."""
    new, old = node.shape(node.output), node.shape(node.input)
    scales = node.known(2, "the scales")
    axes = node.attribute("axes", [*range(len(old))])
    resized = {}
    for position, axis in enumerate(axes):
        long, short = new[axis], old[axis]
        scale = float(scales[position]) if scales.size else None
        if scale == 1 or (scale is None and long is not None and long == short):
            continue
        long, short = node.fixed([long, short], f"the size of axis {axis}")
        resized[axis % len(old)] = (long, short, scale or long / short)
    return resized


def _along(g: Tensor, matrix: np.ndarray, axis: int, *, rank: int) -> Tensor:
    """The matrix R of shape (new, old), applied backwards along one axis."""
    if axis == rank - 2:
        return op("MatMul", g.builder.constant(matrix.T), g)
    order = [*range(rank)]
    order[axis], order[-1] = order[-1], order[axis]
    return op("MatMul", g.transpose(order), matrix).transpose(order)


def _nearest(node: Node, places: np.ndarray, short: int) -> np.ndarray:
    rounding = node.attribute("nearest_mode", "round_prefer_floor")
    index = _ROUND[rounding](places).astype(int).clip(0, short - 1)
    return np.eye(short)[index]


def _linear(node: Node, places: np.ndarray, short: int) -> np.ndarray:
    places = places.clip(0, short - 1)
    left = np.floor(places).astype(int)
    right = (left + 1).clip(max=short - 1)
    weight = (places - left)[:, None]
    return (1 - weight) * np.eye(short)[left] + weight * np.eye(short)[right]


def _symmetric(x: np.ndarray, long: int, short: int, scale: float) -> np.ndarray:
    adjusted = long / (scale * short)
    return short / 2 * (1 - adjusted) + (x + 0.5) / scale - 0.5


_MATRIX = {"nearest": _nearest, "linear": _linear}
_ROUND = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
_PLACE = {
    "half_pixel": lambda x, long, short, scale: (x + 0.5) / scale - 0.5,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": lambda x, long, short, scale: (
        (x + 0.5) / scale - 0.5 if long > 1 else x * 0
    ),
    "align_corners": lambda x, long, short, scale: (
        x * ((short - 1) / (long - 1)) if long > 1 else x * 0
    ),
    "asymmetric": lambda x, long, short, scale: x / scale,
}
