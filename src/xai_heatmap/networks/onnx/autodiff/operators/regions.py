"""Regions that are cut out of a picture and averaged over bins."""

import numpy as np

from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op, where


@rule("RoiAlign")
def roi_align(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂x = Σᵣ Aᵣᵀ gᵣ Bᵣ, with the weights Aᵣ of rows and Bᵣ of columns in the bins of region r.

    The regions are held, ∂regions = 0, as in the frameworks that write this operator. Refused: bins
    by their maximum, and a number of samples that goes by the size of the region.
    """
    x, regions, of_image = node.inputs
    if node.attribute("mode", "avg") != "avg":
        raise node.refused("a bin that is the maximum of its samples is not covered")
    if node.attribute("sampling_ratio", 0) < 1:
        raise node.refused("a number of samples that goes by the region is not covered")
    high, wide = node.attribute("output_height", 1), node.attribute("output_width", 1)
    moved = op("ReduceMax", op("Abs", g), (1, 2, 3), keepdims=0) > 0
    kept = op("NonZero", moved).reshape(-1)  # one detection hangs on few of many regions
    g, own, image = (op("Gather", one, kept, axis=0) for one in (g, regions, of_image))
    own = own.cast(g.dtype)
    images, channels, rows, columns = (x.lengths(axis, axis + 1) for axis in range(4))
    up = _weights(node, own, rows, axis=0, bins=high)  # (regions, high, rows)
    across = _weights(node, own, columns, axis=1, bins=wide)
    belongs = op("Unsqueeze", image, (1,)).equals(_count(images)).cast(g.dtype)
    own_rows = op("Unsqueeze", up, (1,)) * op("Unsqueeze", belongs, (2, 3))  # (r, n, high, rows)
    bins = op("Shape", kept) * high
    left = own_rows.transpose((1, 3, 0, 2)).reshape(images * rows, bins)
    along = op("MatMul", g, op("Unsqueeze", across, (1,)))  # (regions, channels, high, columns)
    right = along.transpose((0, 2, 1, 3)).reshape(bins, channels * columns)
    to_x = op("MatMul", left, right).reshape(images, rows, channels, columns)
    return to_x.transpose((0, 2, 1, 3)).cast(x.dtype), regions.zeros()


def _weights(node: Node, regions: Tensor, length: Tensor, *, axis: int, bins: int) -> Tensor:
    """Weight of each row (axis 0) or column (1) in each bin: (regions, bins, length)."""
    samples, scale = node.attribute("sampling_ratio", 1), node.attribute("spatial_scale", 1.0)
    shifted = node.attribute("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    start, stop = (
        op("Gather", regions, (at,), axis=1) * scale - (0.5 if shifted else 0.0)
        for at in (1 - axis, 3 - axis)
    )
    side = stop - start if shifted else op("Max", stop - start, regions.lifted(1))
    shares = (np.arange(bins * samples) + 0.5) / (bins * samples)
    place = start + side * shares  # (regions, bins · samples)
    last = length.cast(place.dtype) - 1
    within = (place >= -1) & (place <= last + 1)
    held = op("Min", op("Max", place, place.lifted(0)), last)
    near = 1 - op("Abs", op("Unsqueeze", held, (2,)) - _count(length).cast(place.dtype))
    near = where(op("Unsqueeze", within, (2,)), op("Max", near, near.lifted(0)), 0)
    return near.reshape(0, bins, samples, length).mean(2).reshape(0, bins, length)


def _count(length: Tensor) -> Tensor:
    """0, 1, … up to before a length."""
    stop = op("Reshape", length, ())
    return op("Range", length.lifted(0), stop, length.lifted(1))
