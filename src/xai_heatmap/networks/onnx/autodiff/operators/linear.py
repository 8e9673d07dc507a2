"""Products of matrices: a factor's cotangent is that of the product, times the other factor."""

from string import ascii_letters

from xai_heatmap.networks.onnx.autodiff.broadcasting import broadcast, unstretched
from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op


@rule("MatMul")
def matmul(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂a = g bᵀ; ∂b = aᵀ g, summed over batch axes along which a factor was stretched."""
    a, b = node.inputs
    rank_a, rank_b = len(node.shape(a)), len(node.shape(b))
    if rank_a == 1:
        g = op("Unsqueeze", g, (-2 if rank_b > 1 else -1,))
    if rank_b == 1:
        g = op("Unsqueeze", g, (-1,))
    matrix_a = op("Unsqueeze", a, (0,)) if rank_a == 1 else a
    matrix_b = op("Unsqueeze", b, (1,)) if rank_b == 1 else b
    return (
        _batch_summed(node, op("MatMul", g, _transposed(matrix_b, max(rank_b, 2))), a, b),
        _batch_summed(node, op("MatMul", _transposed(matrix_a, max(rank_a, 2)), g), b, a),
    )


@rule("Gemm")
def gemm(node: Node, g: Tensor) -> tuple[Tensor, ...]:
    """∂A′ = α g B′ᵀ; ∂B′ = α A′ᵀ g; ∂C = β g, summed where stretched.

    y = α A′B′ + β C, where A′ and B′ are A and B, transposed if asked.
    """
    a, b = node.inputs[:2]
    alpha = node.attribute("alpha", 1.0)
    flip_a, flip_b = node.attribute("transA", 0), node.attribute("transB", 0)

    def product(left: Tensor, right: Tensor, transposed_left: int, transposed_right: int) -> Tensor:
        return op("Gemm", left, right, alpha=alpha, transA=transposed_left, transB=transposed_right)

    cotangent_a = product(b, g, flip_b, 1) if flip_a else product(g, b, 0, 1 - flip_b)
    cotangent_b = product(g, a, 1, flip_a) if flip_b else product(a, g, 1 - flip_a, 0)
    if node.optional(2) is None:
        return cotangent_a, cotangent_b
    return (
        cotangent_a,
        cotangent_b,
        unstretched(node, g * node.attribute("beta", 1.0), node.shape(node.output), node.inputs[2]),
    )


@rule("Einsum")
def einsum(node: Node, g: Tensor) -> tuple[Tensor | None, ...]:
    """∂xᵢ = einsum(g, all other xⱼ → axes of xᵢ).

    Refused: an axis that is repeated within one operand (a diagonal) or stretched from length 1.
    """
    operands, result = _axes(node)
    cotangents = []
    for index, own in enumerate(operands):
        others = [axes for i, axes in enumerate(operands) if i != index]
        there = [axis for axis in own if axis in "".join([result, *others])]
        equation = f"{','.join([result, *others])}->{''.join(there)}"
        inputs = [x for i, x in enumerate(node.inputs) if i != index]
        cotangent = op("Einsum", g, *inputs, equation=equation)
        if len(there) < len(own):
            absent = tuple(position for position, axis in enumerate(own) if axis not in there)
            cotangent = op(
                "Expand", op("Unsqueeze", cotangent, absent), node.inputs[index].lengths()
            )
        cotangents.append(cotangent)
    return tuple(cotangents)


def _axes(node: Node) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with every ellipsis written out."""
    equation = node.attribute("equation", "").replace(" ", "")
    left, arrow, right = equation.partition("->")
    operands = left.split(",")
    spare = [letter for letter in ascii_letters if letter not in equation]
    widths = [
        len(node.shape(x)) - len(axes.replace("...", ""))
        for x, axes in zip(node.inputs, operands, strict=True)
        if "..." in axes
    ]
    hidden = "".join(spare[: max(widths, default=0)])
    if any(width != len(hidden) for width in widths):
        raise node.refused("its '...' stands for different numbers of axes")
    if not arrow:
        once = sorted(letter for letter in {*left} & {*ascii_letters} if left.count(letter) == 1)
        right = "..." * ("..." in left) + "".join(once)
    operands = [axes.replace("...", hidden) for axes in operands]
    _refuse_diagonals_and_stretching(node, operands)
    return operands, right.replace("...", hidden)


def _refuse_diagonals_and_stretching(node: Node, operands: list[str]) -> None:
    lengths: dict[str, object] = {}
    for x, axes in zip(node.inputs, operands, strict=True):
        if len({*axes}) < len(axes):
            raise node.refused(f"an axis is repeated within one operand ({axes!r})")
        for axis, length in zip(axes, node.shape(x), strict=True):
            if 1 in (length, lengths.setdefault(axis, length)) and length != lengths[axis]:
                raise node.refused(f"axis {axis!r} has different lengths in its operands")


def _transposed(x: Tensor, rank: int) -> Tensor:
    return x.transpose([*range(rank - 2), rank - 1, rank - 2])


def _batch_summed(node: Node, cotangent: Tensor, own: Tensor, other: Tensor) -> Tensor:
    """The cotangent of one factor, summed over the batch axes along which it was stretched."""
    mine, theirs = node.shape(own), node.shape(other)
    batch = broadcast(mine[:-2], theirs[:-2])
    if len(mine) > 1:
        return unstretched(node, cotangent, batch + mine[-2:], own)
    return (cotangent.sum(*range(len(batch))) if batch else cotangent).reshaped_like(own)
