"""Attention in an ONNX graph: the softmax nodes."""

from xai_heatmap.core.errors import NoAttention
from xai_heatmap.networks.onnx.cut import depending_on, infos
from xai_heatmap.networks.onnx.graph import OnnxGraph


def softmaxes(graph: OnnxGraph, *, images: int | None) -> tuple[str, ...]:
    """Output tensors of the softmaxes over several rows per image, in order of execution.

    Raises
    ------
    NoAttention
        If the file takes a fixed number of images and folds heads into their axis.
    """
    moving, known = depending_on([graph.image], graph.model.graph.node), infos(graph.model)
    found = []
    for node in graph.model.graph.node:
        if node.op_type != "Softmax" or node.output[0] not in moving:
            continue
        value = known.get(node.output[0])
        dims = value.type.tensor_type.shape.dim if value is not None else ()
        if images is not None and len(dims) == 3 and dims[0].dim_value != images:
            raise NoAttention(
                "The file takes a fixed number of images and holds the heads of all of them on "
                "one axis, so that they can't be told apart. Export the model for any number of "
                "images, or choose a method that needs no attention, such as libragrad."
            )
        if len(dims) > 2 or not dims:
            found.append(node.output[0])
    return tuple(found)
