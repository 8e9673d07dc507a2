"""Pooling with ceil_mode and resizing by scales: lengths counted as runtimes count them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from onnx import ModelProto, NodeProto, ValueInfoProto, helper

from xai_heatmap.networks.onnx.autodiff.resized_shapes import otherwise_counted
from xai_heatmap.networks.onnx.autodiff.written_out import STANDARD

POOLING = ("MaxPool", "AveragePool", "LpPool")

T = TypeVar("T")


def with_run_lengths(model: ModelProto, inferred: Callable[[ModelProto], ModelProto]) -> ModelProto:
    """Model with inferred shapes, in which all lengths are as in a run.

    Runtimes leave a last window of a pooling out that lies in its padding alone; the standard's
    shape inference counts it before opset 22. Where there would be one, the padding at the end is
    written as what the windows that run reach, which changes no number. Lengths of what is resized
    are written down where they are inferred otherwise.

    Parameters
    ----------
    model
        Is changed.
    inferred
        The model with the shapes of all tensors.
    """
    known, resized = inferred(model), dict[str, ValueInfoProto]()
    for _ in model.graph.node:  # each is put right once, in order
        pooling, resizing = next(_overcounted(known), None), next(otherwise_counted(known), None)
        if pooling is not None and (resizing is None or pooling[0] < resizing[0]):
            _pad(model.graph.node[pooling[0]], pooling[1])
        elif resizing is not None:
            resized[resizing[1].name] = resizing[1]
        else:
            break
        _forget_lengths(model)
        _write_down(model, resized)
        known = inferred(model)
    return known


def _pad(node: NodeProto, end: Sequence[int]) -> None:
    """Padding at the end that the windows which run reach."""
    begin = _said(node, "pads", [0] * 2 * len(end))[: len(end)]
    _say(node, "pads", [*begin, *end])
    _say(node, "ceil_mode", 0)


def _write_down(model: ModelProto, infos: Mapping[str, ValueInfoProto]) -> None:
    """Write shapes of tensors into the model, from which later shapes are inferred."""
    kept = [value for value in model.graph.value_info if value.name not in infos]
    outputs = {value.name: value for value in model.graph.output}
    del model.graph.value_info[:]
    model.graph.value_info.extend([*kept, *(i for n, i in infos.items() if n not in outputs)])
    for name in infos.keys() & outputs.keys():
        outputs[name].CopyFrom(infos[name])


def _forget_lengths(model: ModelProto) -> None:
    """Clear all inferred and declared lengths, so that shape inference starts afresh."""
    for value in model.graph.value_info:
        value.type.tensor_type.ClearField("shape")
    for value in model.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            dim.Clear()


def _overcounted(model: ModelProto) -> Iterator[tuple[int, Sequence[int]]]:
    """Nodes with a window too many, and the padding at the end of each axis that does without."""
    graph = model.graph
    shapes = {v.name: v for v in (*graph.value_info, *graph.input, *graph.output)}
    for index, node in enumerate(graph.node):
        ceiled = node.op_type in POOLING and node.domain in STANDARD and _said(node, "ceil_mode", 0)
        if not ceiled or _said(node, "auto_pad", b"NOTSET") != b"NOTSET":
            continue
        long, short = (_grid(shapes.get(name)) for name in (node.input[0], node.output[0]))
        if long is None or short is None or len(long) != len(short):
            continue
        kernel = _said(node, "kernel_shape", [1] * len(long))
        ones = [1] * len(long)
        axes = zip(
            long,
            short,
            kernel,
            _said(node, "strides", ones),
            _said(node, "dilations", ones),
            _said(node, "pads", [0] * 2 * len(long)),
            strict=False,
        )
        ends, too_many = [], False
        for length, count, size, stride, dilation, begin in axes:
            run = min(count, -(-(length + begin) // stride))
            too_many |= run < count
            span = 1 + dilation * (size - 1)
            ends.append(max((run - 1) * stride + span - length - begin, 0))
        if too_many:
            yield index, ends


def _grid(value: object) -> list[int] | None:
    """Lengths behind images and channels, None if any is unknown."""
    if value is None or not value.type.tensor_type.HasField("shape"):  # type: ignore[attr-defined] - protobuf's classes are made at run time
        return None
    dims = list(value.type.tensor_type.shape.dim)[2:]  # type: ignore[attr-defined] - as above
    lengths = [dim.dim_value for dim in dims]
    return lengths if all(lengths) else None


def _said(node: NodeProto, name: str, default: T) -> T:
    found = next((a for a in node.attribute if a.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def _say(node: NodeProto, name: str, value: object) -> None:
    others = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend([*others, helper.make_attribute(name, value)])
