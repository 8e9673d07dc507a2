"""Contributions of biases to the score, on the grids of the values to which biases are added."""

from collections.abc import Iterator

import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import NoRule
from xai_heatmap.core.layers.layout import Layout, layout
from xai_heatmap.core.network import INPUT, Survey
from xai_heatmap.core.recording import for_and_against
from xai_heatmap.core.shapes import Float32
from xai_heatmap.networks.opening.interfaces import Bias


def contributions(
    gradient: Native, bias: Bias, survey: Survey, *, images: int
) -> Iterator[Float32[np.ndarray, "n 2 ..."]]:
    """Contribution of a bias to each image: bias times gradient of the value to which the bias was
    added; on the value's grid, with the tokens that have no place as parts of their own.

    Raises
    ------
    NoRule
        If the value mixes images, so that no part of it is of one of them.
    """
    product = np.asarray(gradient * bias)
    if (
        product.ndim == 0 or len(product) != images
    ):  # attention heads, or levels of a pyramid, beside the images
        if product.ndim == 0 or len(product) % images:
            raise NoRule(
                f"A bias of the shape {product.shape} belongs to no one of "
                f"{counted(images, 'picture')}. "
                "Explain one picture at a time, or choose another method than fullgrad."
            )
        yield for_and_against(product.reshape(images, -1))
        return
    own = _layout(product.shape, survey)
    if own is None or np.prod(own.grid) == 1:
        yield for_and_against(product.reshape(len(product), -1))
        return
    yield for_and_against(own.to_grid(product))
    for beside in (product[:, : own.prefix], product[:, product.shape[1] - own.suffix :]):
        if own.kind == "tokens" and beside.size:
            yield for_and_against(beside.reshape(len(product), -1))


def _layout(shape: tuple[int, ...], survey: Survey) -> Layout | None:
    """Layout of a value, which need not be the output of a layer."""
    known = [layer.layout for layer in survey.layers.values() if layer.layout is not None]
    tokens = {
        int(np.prod(own.grid)) + own.prefix + own.suffix for own in known if own.kind == "tokens"
    }
    if len(shape) == 4 and shape[-1] == shape[-2] and shape[-1] in tokens:
        return None  # a weight for every pair of tokens
    picture = survey.layers[INPUT].layout
    if picture is None:
        return None
    if len(picture.grid) == 1 and shape in (alike := _signals(survey, images=shape[0])):
        return alike[shape]
    return layout(
        shape,
        images=shape[0],
        image=picture.grid,
        channels_last=picture.kind == "channels_last",
        grids=tuple(dict.fromkeys(own.grid for own in known if own.kind != "tokens")),
        queries=survey.queries,
    )


def _signals(survey: Survey, *, images: int) -> dict[tuple[int, ...], Layout]:
    """Layouts of the layers of a signal's network by the shape of the output, which alone does not
    determine the layout; the latest layer of each shape.
    """
    found = dict[tuple[int, ...], Layout]()
    for layer in survey.layers.values():
        if (own := layer.layout) is not None:
            last = (own.prefix + own.grid[0], layer.shape[0])
            found[images, *(layer.shape if own.kind == "channels_first" else last)] = own
    return found
