"""What the tokens of a transformer take from each other, block by block."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from xai_heatmap.core.arrays import Attention, BatchAttention, Map, Tokens
from xai_heatmap.core.errors import NoAttention
from xai_heatmap.core.layout import MOST_PREFIX_TOKENS

OTHERS = "Methods that need no attention work here: gradcam, layercam, libragrad, eigencam, rise."
"""What to do where there is no attention to be seen."""


@dataclass(frozen=True)
class Block:
    """What one block of a network said about several images.

    Parameters
    ----------
    weights
        A, the attention itself.
    gradients
        ∂y/∂A.
    """

    weights: BatchAttention
    gradients: BatchAttention


@dataclass(frozen=True)
class Attentions:
    """What every block attends to in one image, first block first.

    Parameters
    ----------
    weights, gradients
        A and ∂y/∂A of every block.
    read
        From which tokens the network reads its answer: shares that sum to 1.
    grid
        Where the patches lie; tokens in front of them have no place.
    """

    weights: Sequence[Attention]
    gradients: Sequence[Attention]
    read: Tokens
    grid: tuple[int, ...]

    def on_grid(self, tokens: Tokens) -> Map:
        """What every patch has, where it lies."""
        return tokens[-math.prod(self.grid) :].reshape(self.grid)


def attentions(
    blocks: Sequence[Block], row: int, *, layer: str, grid: tuple[int, ...]
) -> Attentions:
    """What is known of image `row`, for a map on the grid of `layer`.

    Of the tokens of the last block, those are read whose attention carries gradient: the class
    token, class and distillation token, or all patches where the network takes their mean. Where
    tokens without a place carry gradient, the patches beside them are not counted.

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
            f"A layer on the grid of the {tokens} tokens that attend to each other is needed; "
            f"{layer!r} has a grid of {size}. Leave the layer to `auto`, or name a transformer "
            "block."
        )
    reading = np.abs(blocks[-1].gradients[row]).max(axis=(0, 2), initial=0)
    return Attentions(
        weights=[block.weights[row] for block in blocks],
        gradients=[block.gradients[row] for block in blocks],
        read=_read(reading, prefix),
        grid=grid,
    )


def _read(gradient: Tokens, prefix: int) -> Tokens:
    """Equal shares of the tokens that carry gradient, of those in front of the patches first."""
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
    gradients: Iterable[Float32[np.ndarray, "..."]],
    *,
    images: int,
    name: str,
) -> list[Block]:
    """Every softmax of a pass that is an attention among all tokens of an image.

    Parameters
    ----------
    weights, gradients
        What each softmax answered, in order of execution, and the gradients there.
    images
        How many went in.
    name
        Of the network.

    Raises
    ------
    NoAttention
        If there is none, or if one is not among all tokens: within windows, or between more
        tokens and fewer.
    """
    found, odd = list[Block](), list[tuple[int, ...]]()
    for own, gradient in zip(weights, gradients, strict=True):
        if own.ndim < 3 or own.shape[-1] < 2 or not np.allclose(own.sum(axis=-1), 1, atol=1e-2):
            continue  # gates, and a closing softmax over classes
        square = own.shape[-1] == own.shape[-2]
        heads = own.shape[0] // images if own.ndim == 3 else own.shape[1]
        if not square or own.size != images * heads * own.shape[-1] ** 2:
            odd.append(own.shape)
            continue
        shape = (images, heads, *own.shape[-2:])
        found.append(Block(own.reshape(shape), gradient.reshape(shape)))
    sizes = {block.weights.shape[-1] for block in found}
    if odd or len(sizes) > 1:
        shapes = ", ".join(map(str, dict.fromkeys(odd or [b.weights.shape for b in found])))
        raise NoAttention(
            f"One attention matrix among all tokens of an image is needed from every block; "
            f"{name} attends within windows, or from many tokens to fewer: for {images} images its "
            f"attention has the shape {shapes}. {OTHERS}"
        )
    if not found:
        raise NoAttention(
            f"A network with attention is needed; none was seen in {name}: it has no "
            f"transformer blocks, or computes them where they can't be looked into. {OTHERS}"
        )
    return found
