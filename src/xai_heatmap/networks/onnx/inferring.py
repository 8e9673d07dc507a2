"""Inference form of a graph that was exported in training mode, with a warning."""

from collections.abc import Iterator

from onnx import ModelProto, NodeProto

from xai_heatmap.networks.onnx.autodiff.known import stored as numbers
from xai_heatmap.networks.opening.drawing import AT_RANDOM

DRAWING = frozenset(
    {
        *("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike"),
        *("RandomUniform", "RandomUniformLike"),
    }
)
"""Operators that draw at random, whatever seed they name: that begins a series of draws."""


def inferring(model: ModelProto) -> None:
    """Take the training mode out of a model."""
    for node in _training(model):
        if node.op_type == "Dropout":
            del node.input[2:]
        else:
            others = [a for a in node.attribute if a.name != "training_mode"]
            del node.attribute[:], node.output[1:]
            node.attribute.extend(others)


def changes(model: ModelProto) -> tuple[str, ...]:
    """Warnings about the training nodes that `inferring` removes, and about those that draw."""
    draws = any(node.op_type in DRAWING for node in model.graph.node)
    return (*_removed(model), *((AT_RANDOM,) if draws else ()))


def _removed(model: ModelProto) -> tuple[str, ...]:
    kinds = sorted({node.op_type for node in _training(model)})
    if not kinds:
        return ()
    said = (
        f"The file is in training mode ({', '.join(kinds)}): onnxruntime normalises by each batch "
        "or drops at random. It is explained as it infers, by its stored statistics and with "
        "nothing dropped, so that onnxruntime's own scores differ. Export it for inference."
    )
    return (said,)


def _training(model: ModelProto) -> Iterator[NodeProto]:
    for node in model.graph.node:
        normalises = node.op_type == "BatchNormalization" and any(
            a.name == "training_mode" and a.i for a in node.attribute
        )
        drops = node.op_type == "Dropout" and any(node.input[2:])
        if normalises or (drops and not _is_false(model, node.input[2])):
            yield node


def _is_false(model: ModelProto, name: str) -> bool:
    """Whether a tensor is stored and holds false."""
    held = [tensor for tensor in model.graph.initializer if tensor.name == name]
    held += [
        attribute.t
        for node in model.graph.node
        if node.op_type == "Constant" and name in node.output
        for attribute in node.attribute
        if attribute.name == "value"
    ]
    value = numbers(held[0]) if held else None
    return value is not None and not value.any()
