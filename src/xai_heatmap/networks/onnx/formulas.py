"""Methods as nodes of an ONNX graph, each equal to the numpy formula of its name.

An activation is (images, k, *grid); a gradient is too, or has length 1 along the grid, where it is
the same everywhere.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from xai_heatmap.core.rounding import OF_A_MEAN
from xai_heatmap.networks.onnx.autodiff import Tensor, op

Grid = tuple[int, ...]
Formula = Callable[[Tensor, Tensor | None, Grid], Tensor]

SQUARINGS = 12
"""Squarings of the Gram matrix, whose power 4096 is, to float32, the leading pattern alone."""


def gradcam(activation: Tensor, gradient: Tensor | None, grid: Grid) -> Tensor:
    """ReLU(Σ_k α_k A_k),  α_k = mean of ∂y/∂A_k over the grid."""
    return op("Relu", signed_gradcam(activation, gradient, grid))


def signed_gradcam(activation: Tensor, gradient: Tensor | None, grid: Grid) -> Tensor:
    """Σ_k α_k A_k."""
    weights = _given(gradient).mean(*range(2, 2 + len(grid)))
    total = op("MatMul", op("Reshape", weights, (0, 1, -1)), _rows(activation))
    return op("Reshape", total, (0, *grid))


def hirescam(activation: Tensor, gradient: Tensor | None, grid: Grid) -> Tensor:
    """Σ_k ∂y/∂A_k ⊙ A_k."""
    return op("Reshape", (_given(gradient) * activation).sum(1), (0, *grid))


def layercam(activation: Tensor, gradient: Tensor | None, grid: Grid) -> Tensor:
    """ReLU(Σ_k ReLU(∂y/∂A_k) ⊙ A_k)."""
    return op("Relu", signed_layercam(activation, gradient, grid))


def signed_layercam(activation: Tensor, gradient: Tensor | None, grid: Grid) -> Tensor:
    """Σ_k ReLU(∂y/∂A_k) ⊙ A_k."""
    return hirescam(activation, op("Relu", _given(gradient)), grid)


def eigencam(activation: Tensor, gradient: Tensor | None, grid: Grid) -> Tensor:
    """A^T u₁, the leading eigenvector found by squaring the smaller of A A^T and A^T A."""
    rows = _rows(activation)
    columns = rows.transpose([0, 2, 1])
    places, k = int(np.prod(grid)), _maps_in(activation)
    few = k is not None and k < places
    power = op("MatMul", rows, columns) if few else op("MatMul", columns, rows)
    for _ in range(SQUARINGS):
        power = power / _largest(power)
        power = op("MatMul", power, power)
    size = k if k is not None and few else places
    start = np.random.default_rng(0).normal(size=(size, 1)).astype(np.float32)
    leading = op("MatMul", power / _largest(power), power.lifted(start))
    pattern = op("MatMul", columns, leading) if few else leading
    direction = op("MatMul", rows, pattern / _largest(pattern))
    length = op("ReduceL2", direction, (1,), keepdims=1)
    map_ = op("MatMul", columns, direction / op("Max", length, _tiny(length)))
    return op("Reshape", map_ * _turn(map_, columns), (0, *grid))


def _turn(map_: Tensor, columns: Tensor) -> Tensor:
    """The sign that `methods._principal.turned` gives."""
    mean, size = columns.mean(2), op("Abs", columns).mean(2)
    agreement = ((map_ - map_.mean(1)) * (mean - mean.mean(1))).sum(1)
    standing_out = ((map_ / _largest(map_)) ** 3).sum(1)
    rounding = _largest(mean) <= _largest(size) * OF_A_MEAN
    return op("Sign", op("Where", rounding, standing_out, agreement))


FORMULAS: Mapping[str, Formula] = MappingProxyType(
    {"gradcam": gradcam, "hirescam": hirescam, "layercam": layercam, "eigencam": eigencam}
)
"""Methods that a file can hold, with their formulas."""

SIGNED: Mapping[str, Formula] = MappingProxyType(
    {"gradcam": signed_gradcam, "hirescam": hirescam, "layercam": signed_layercam}
)
"""The same before a closing ReLU."""

WITHOUT_GRADIENT = frozenset({"eigencam"})


def _rows(activation: Tensor) -> Tensor:
    """(images, k, places)."""
    return op("Reshape", activation, (0, 0, -1))


def _maps_in(activation: Tensor) -> int | None:
    """Number of feature maps of an activation, None where the graph leaves the number open."""
    k = activation.shape[1] if activation.shape else None
    return k if isinstance(k, int) else None


def _largest(values: Tensor) -> Tensor:
    largest = op("ReduceMax", op("Abs", values), (1, 2), keepdims=1)
    return op("Max", largest, _tiny(values))


def _tiny(like: Tensor) -> Tensor:
    return like.lifted(float(np.finfo(np.float32).tiny))


def _given(gradient: Tensor | None) -> Tensor:
    if gradient is None:
        raise TypeError("A gradient is needed.")
    return gradient
