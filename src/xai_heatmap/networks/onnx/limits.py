"""Limits on the declarations of a file: size of one picture, pictures per batch."""

import math
from collections.abc import Sequence
from dataclasses import replace

from onnx import ModelProto

from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.onnx.input import PictureInput

MOST_NUMBERS = 2**25
"""Most numbers of a picture whose size only the file declares: 3 x 3344 x 3344."""


def bounded(picture: PictureInput, image_shape: Sequence[int] | None) -> PictureInput:
    """Picture input of a file, refused above the limit unless `image_shape` confirms the size.

    Raises
    ------
    ModelError
        If it does, and `image_shape` does not say the same.
    """
    size = math.prod(length or 1 for length in picture.lengths[1:])
    if image_shape is None and size > MOST_NUMBERS:
        sides = "x".join(str(length or "any") for length in picture.lengths[1:])
        raise ModelError(
            f"Pictures of up to {MOST_NUMBERS} numbers are taken on a file's word; "
            f"{picture.name!r} takes {sides}, which are {size}. If that is right, say it with "
            f"image_shape=(channels, rows, columns), on the command line with --size ROWSxCOLUMNS."
        )
    return picture


def alone(picture: PictureInput, model: ModelProto) -> PictureInput:
    """Limit a graph with dynamic quantisation to one picture per run: the scale is shared by all
    pictures of a batch, so that pictures change each other's scores.
    """
    nodes = [*model.graph.node, *(node for own in model.functions for node in own.node)]
    shared = any(node.op_type.startswith("DynamicQuantize") for node in nodes)
    if not shared or picture.images is not None:
        return picture
    return replace(picture, lengths=(1, *picture.lengths[1:]))
