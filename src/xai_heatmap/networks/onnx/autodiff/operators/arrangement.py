"""Operators that keep every number and only arrange them anew: the cotangent is arranged back."""

import numpy as np

from xai_heatmap.networks.onnx.autodiff.broadcasting import unstretched
from xai_heatmap.networks.onnx.autodiff.registry import Node, rule, whole
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op, ops, real


@rule("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(node: Node, g: Tensor) -> Tensor:
    """∂x = g, in the shape of x."""
    return g.reshaped_like(node.input)


@rule("Identity")
def identity(node: Node, g: Tensor) -> Tensor:
    """∂x = g."""
    return g


@rule("Dropout")
def dropout(node: Node, g: Tensor) -> Tensor:
    """∂x = g, as nothing is dropped at inference. Refused: training mode."""
    training = node.known(2, "its training mode")
    if training.any():
        raise node.refused("it is in training mode; export the model for inference")
    return g


@rule("Cast")
def cast(node: Node, g: Tensor) -> Tensor:
    """∂x = g, in the precision of x. Casts to integers end the path: nothing arrives from there.

    Of sums that integer operators made, g as it is.
    """
    if whole(node.input.dtype):
        return g
    if not real(node.input.dtype):
        raise node.refused("the scale of the integers that it reads is not known")
    return g.cast(node.input.dtype)


@rule("CastLike")
def cast_like(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂x = g, in the precision of x; ∂like = 0, as only its type was read."""
    return cast(node, g), node.inputs[1].zeros()


@rule("Transpose")
def transpose(node: Node, g: Tensor) -> Tensor:
    """∂x = g, axes in the old order."""
    rank = len(node.shape(node.input))
    return g.transpose(np.argsort(node.attribute("perm", [*reversed(range(rank))])).tolist())


@rule("Expand")
def expand(node: Node, g: Tensor) -> Tensor:
    """∂x = g, summed over the copies."""
    return unstretched(node, g, node.shape(node.output), node.input)


@rule("Tile")
def tile(node: Node, g: Tensor) -> Tensor:
    """∂x = g, summed over the copies."""
    x, repeats = node.input, node.known(1, "the numbers of copies")
    lengths = [
        part
        for axis, count in enumerate(repeats)
        for part in (int(count), x.lengths(axis, axis + 1))
    ]
    copies = tuple(range(0, 2 * len(repeats), 2))
    return g.reshape(*lengths).sum(*copies).reshaped_like(x)


@rule("Concat")
def concat(node: Node, g: Tensor) -> tuple[Tensor, ...]:
    """∂xᵢ = the part of g that came from xᵢ."""
    axis = node.axis(node.attribute("axis", 0), node.output)
    sizes = g.builder.joined(*(x.lengths(axis, axis + 1) for x in node.inputs))
    return ops("Split", g, sizes, outputs=len(node.inputs), axis=axis)


@rule("Split")
def split(node: Node, *g: Tensor | None) -> Tensor:
    """∂x = all gᵢ, one after the other; 0 for a part that nobody uses."""
    if len(node.outputs) < len(g):
        raise node.refused("one of its outputs has no name")
    parts = [y.zeros() if part is None else part for part, y in zip(g, node.outputs, strict=True)]
    return op("Concat", *parts, axis=node.attribute("axis", 0))


@rule("DepthToSpace")
def depth_to_space(node: Node, g: Tensor) -> Tensor:
    """∂x = g, blocks back into channels."""
    size = node.attribute("blocksize", 1)
    if node.attribute("mode", "DCR") == "DCR":
        return op("SpaceToDepth", g, blocksize=size)
    _, _, height, width = node.shape(node.input)
    height, width = node.fixed([height, width], "the size of its input")
    blocks = g.reshape(0, -1, height, size, width, size)
    return blocks.transpose([0, 1, 3, 5, 2, 4]).reshaped_like(node.input)


@rule("SpaceToDepth")
def space_to_depth(node: Node, g: Tensor) -> Tensor:
    """∂x = g, channels back into blocks."""
    mode = node.attribute("mode", "DCR")
    return op("DepthToSpace", g, blocksize=node.attribute("blocksize", 1), mode=mode)
