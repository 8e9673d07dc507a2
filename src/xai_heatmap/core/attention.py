"""Attention between the tokens of a transformer, block by block."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Attention, BatchAttention, Map, Tokens
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import NoAttention
from xai_heatmap.core.layers.layout import MOST_PREFIX_TOKENS
from xai_heatmap.core.shapes import Float32

OTHERS = "Methods that need no attention work here: gradcam, layercam, libragrad, eigencam, rise."
"""Advice for where there is no attention to be seen."""


BatchRows = Float32[np.ndarray, "n rows"]


@dataclass(frozen=True)
class Block:
    """Attention of one transformer block for several images, and the slopes of y by that attention.

    Parameters
    ----------
    weights
        A, the attention itself.
    slopes
        ∂y/∂A, or what pulls it when it is first asked for.
    known
        How much y hangs on each row, where that was learnt before.
    """

    weights: BatchAttention
    slopes: BatchAttention | Callable[[], BatchAttention]
    known: BatchRows | None = None

    @property
    def gradients(self) -> BatchAttention:
        """∂y/∂A."""
        return self.slopes() if callable(self.slopes) else self.slopes

    @property
    def rows(self) -> BatchRows:
        """Dependence of y on each row of the attention: `known`, or max |∂y/∂A| over heads and
        columns.
        """
        if self.known is not None:
            return self.known
        return np.abs(self.gradients).max(axis=(1, 3), initial=0)

    def turned(self, by: int) -> "Block":
        """The block with the last `by` tokens in front of the others; rows of queries stay."""
        rows, columns = self.weights.shape[-2:]
        axes = (-2, -1) if rows == columns else (-1,)
        slopes = self.slopes
        known = self.known if self.known is None or len(axes) < 2 else np.roll(self.known, by, 1)
        return Block(
            np.roll(self.weights, by, axes),
            (lambda: np.roll(slopes(), by, axes))
            if callable(slopes)
            else np.roll(slopes, by, axes),
            known,
        )


@dataclass(frozen=True)
class Attentions:
    """Attention matrices of all blocks for one image, first block first.

    Every block but the last has a row for each token; the last may pool them: rows of its own, one
    for each query that takes from the tokens.

    Parameters
    ----------
    weights
        A of every block.
    slopes
        ∂y/∂A of every block, or what pulls them when they are first asked for.
    read
        From which rows of the last block the network reads its answer: shares that sum to 1.
    grid
        Where the patches lie; tokens in front of them have no place.
    """

    weights: Sequence[Attention]
    slopes: Sequence[Attention] | Callable[[], Sequence[Attention]]
    read: Float32[np.ndarray, " rows"]
    grid: tuple[int, ...]

    @property
    def gradients(self) -> Sequence[Attention]:
        """∂y/∂A of every block."""
        return self.slopes() if callable(self.slopes) else self.slopes

    def on_grid(self, tokens: Tokens) -> Map:
        """Values of the patches, arranged on the grid that the patches form."""
        return tokens[-math.prod(self.grid) :].reshape(self.grid)


def attentions(
    blocks: Sequence[Block], row: int, *, layer: str, grid: tuple[int, ...]
) -> Attentions:
    """Attention matrices of image `row` in every block, for a map on the grid of `layer`.

    Of the tokens of the last block, those are read whose attention carries gradient: the class
    token, class and distillation token, or all patches where the network takes their mean. Where
    tokens without a place carry gradient, the patches beside them are not counted. Queries that
    pool the tokens are read in equal shares.

    Raises
    ------
    NoAttention
        If the layer's grid is not that of the tokens.
    """
    tokens = blocks[0].weights.shape[-1]
    prefix = tokens - math.prod(grid)
    if not 0 <= prefix <= MOST_PREFIX_TOKENS:
        size = "x".join(map(str, grid))
        raise NoAttention(
            f"A layer on the grid of the {counted(tokens, 'token')} that attend to each "
            "other is needed; "
            f"{layer!r} has a grid of {size}. Leave the layer to `auto`, or name a transformer "
            "block."
        )
    last = blocks[-1]
    pooled = last.weights.shape[-2] != last.weights.shape[-1]
    return Attentions(
        weights=[block.weights[row] for block in blocks],
        slopes=lambda: [block.gradients[row] for block in blocks],
        read=_read(last.rows[row], 0 if pooled else prefix),
        grid=grid,
    )


def _read(gradient: Tokens, prefix: int) -> Tokens:
    """Equal shares of the tokens that carry gradient; patches count where no other token does."""
    alive = gradient > ROUNDING * gradient.max(initial=0)
    if not alive.any():
        alive[: 1 if prefix else None] = True
    if alive[:prefix].any():
        alive[prefix:] = False
    return (alive / alive.sum()).astype(np.float32)


ROUNDING = 1e-6
"""A gradient below this share of the largest is none."""


def blocks(
    weights: Iterable[Float32[np.ndarray, "..."]],
    gradients: Sequence[Float32[np.ndarray, "..."]] | Callable[[], Sequence[np.ndarray]],
    *,
    images: int,
    name: str,
) -> list[Block]:
    """Attention blocks of a pass: every softmax that is an attention among all tokens of an image,
    and at the end perhaps one in which fewer queries pool these tokens.

    Parameters
    ----------
    weights, gradients
        What each softmax answered, in order of execution, and the gradients there, or what pulls
        them.
    images
        How many went in.
    name
        Of the network.

    Raises
    ------
    NoAttention
        If there is none, or if one takes from other tokens than the one before it answers: within
        windows, from a second picture or text, or from the tokens that another one pooled too.
    """
    found, odd = list[Block](), list[tuple[int, ...]]()
    for number, own in enumerate(weights):
        if own.ndim < 3 or own.shape[-1] < 2 or not np.allclose(own.sum(axis=-1), 1, atol=1e-2):
            continue  # gates, and a closing softmax over classes
        heads = own.shape[0] // images if own.ndim == 3 else own.shape[1]
        shape = (images, heads, *own.shape[-2:])
        tokens = found[-1].weights.shape[-2] if found else own.shape[-1]
        if own.size != math.prod(shape) or not own.shape[-2] <= own.shape[-1] == tokens:
            odd.append(own.shape)
            continue
        found.append(Block(own.reshape(shape), _slopes(gradients, number, shape)))
    if odd:
        chain = (block.weights.shape for block in found)
        shapes = ", ".join(map(str, dict.fromkeys((*chain, *odd))))
        raise NoAttention(
            f"One attention matrix among all tokens of an image is needed from every block, and "
            f"where queries pool the tokens from the last one; {name} attends within windows, "
            f"from many tokens to fewer or to other tokens than those of the block before: for "
            f"{counted(images, 'image')} its attention has the shape {shapes}. {OTHERS}"
        )
    if not found:
        raise NoAttention(
            f"A network with attention is needed; none was seen in {name}: it has no "
            f"transformer blocks, or computes them where they can't be looked into. {OTHERS}"
        )
    return found


def _slopes(
    gradients: Sequence[np.ndarray] | Callable[[], Sequence[np.ndarray]],
    number: int,
    shape: tuple[int, ...],
) -> np.ndarray | Callable[[], np.ndarray]:
    """Slopes of one softmax, at once or when these are asked for."""
    if callable(gradients):
        return lambda: gradients()[number].reshape(shape)
    return gradients[number].reshape(shape)
