"""An ONNX graph that takes its pictures channels first, whatever its own axes are; and which those
are, where the graph shows it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import AttributeProto, ModelProto, NodeProto, ValueInfoProto, helper, numpy_helper

from xai_heatmap.core.axes import Axes, with_channels_at
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption
from xai_heatmap.networks.onnx.autodiff.known import KnownValues
from xai_heatmap.networks.onnx.linear_first import RECURRENT, Followed, LinearFirst, product_of
from xai_heatmap.networks.opening.axes_found import MOST_CHANNELS, certainly

TURNED = "to the model's own axes"
"""Name of the node that turns the input, which is no layer of the user's."""

KEEPS = ("Identity", "Cast", "Add", "Sub", "Mul", "Div", "Clip", "Dropout", "Neg", "Pad", "Relu",
         "Sqrt", "Abs", "Pow", "BatchNormalization", "LayerNormalization")  # fmt: skip
"""Operators that keep every axis."""


def turned(model: ModelProto, name: str, axes: Axes) -> ModelProto:
    """Copy of the model with inputs (n, c, *grid), which the copy turns to the original axes."""
    made = ModelProto()
    made.CopyFrom(model)
    value = next(value for value in made.graph.input if value.name == name)
    own = list(value.type.tensor_type.shape.dim)
    if own and len(own) != len(axes.word) + 1:
        raise BadOption(
            f"axes={axes.word!r} names {counted(len(axes.word), 'axis', 'axes')} beside "
            "that of the images; "
            f"{name!r} has {len(own) - 1}. Name those."
        )
    if own:
        one = type(own[0])(dim_value=1)
        ordered = [own[0], *axes.lengths(own[1:], one)]
        copies = [type(own[0]).FromString(dim.SerializeToString()) for dim in ordered]
        del value.type.tensor_type.shape.dim[:]
        value.type.tensor_type.shape.dim.extend(copies)
    inner = f"{name} in the model's own axes"
    for node in made.graph.node:
        node.input[:] = [inner if read == name else read for read in node.input]
    nodes = [_turn(made, name, inner, axes), *made.graph.node]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    return made


def _turn(model: ModelProto, name: str, inner: str, axes: Axes) -> NodeProto:
    if axes.channel is None:
        first = f"{name}: the only channel"
        model.graph.initializer.append(numpy_helper.from_array(np.array(0, np.int64), first))
        return helper.make_node("Gather", [name, first], [inner], name=TURNED, axis=1)
    order = [0, *(1 + place for place in axes.native((0, *range(1, len(axes.word)))))]
    return helper.make_node("Transpose", [name], [inner], name=TURNED, perm=order)


def axes_in(model: ModelProto, value: ValueInfoProto) -> Axes | None:
    """The axes of an input, where the first operator that mixes channels shows them.

    Raises
    ------
    BadArray
        Where that is a product that may mix time as well as features.
    """
    kind = value.type.tensor_type
    number = len(kind.shape.dim)
    if not kind.HasField("shape") or not 2 <= number <= 5:
        return None
    lengths = [dim.dim_value for dim in kind.shape.dim]
    stored, values = _stored(model), KnownValues(model.graph, {})
    known: dict[str, Followed] = {value.name: tuple(range(number))}
    linear: LinearFirst | None = None
    for node in model.graph.node:
        own = next((known[read] for read in node.input if read in known), None)
        if own is None:
            continue
        if linear is not None and linear.look(node, own, stored):
            break
        if (found := product_of(node, own, lengths, stored)) is not None:
            linear = linear or found
            linear.both = linear.mixed != found.mixed
            if linear.both:
                break
            known[node.output[0]] = linear.behind(own)
            continue
        if linear is None and (channel := _channel(node, own, stored, lengths)) is not None:
            return _axes(own, channel, number)
        if (after := _after(node, own, values)) is not None and node.output:
            known[node.output[0]] = after
    if linear is None:
        return None
    told = certainly(linear.told(), lengths[1:])
    return with_channels_at(told.channel, number - 1)


def _stored(model: ModelProto) -> Mapping[str, Sequence[int]]:
    """Shape of every stored tensor, without reading the numbers."""
    found = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            found[node.output[0]] = tuple(node.attribute[0].t.dims)
        if node.op_type == "Identity":
            pairs = zip(node.input, node.output, strict=False)
            found.update({to: found[name] for name, to in pairs if name in found})
    return found


def _channel(
    node: NodeProto, own: Followed, stored: Mapping[str, Sequence[int]], lengths: Sequence[int]
) -> int | None:
    """Channel axis of the input of an operator, counted from the front; else None."""
    if node.op_type in ("Conv", "ConvTranspose") and len(own) > 2:
        return 1
    weighted = len(node.input) > 1 and len(stored.get(node.input[1], ())) == 2
    if node.op_type == "MatMul" and weighted and len(own) > 2:
        read = own[-1]
        several = len(lengths) > 3 and read is not None and lengths[read] > MOST_CHANNELS
        return None if several else len(own) - 1
    return len(own) - 1 if node.op_type in RECURRENT and len(own) > 2 else None


def _axes(own: Followed, channel: int, number: int) -> Axes | None:
    """Axes of an input, with the channels at `channel`; None where an axis got lost on the way."""
    places = [axis for axis in own if axis is not None]
    if sorted(places) != list(range(number)):
        return None
    read = own[channel]
    if read == 0 or number - 1 - (read is not None) not in (1, 2, 3):
        return None
    return with_channels_at(None if read is None else read - 1, number - 1)


def _after(node: NodeProto, own: Followed, values: KnownValues) -> Followed | None:
    """Axes of the output of an operator; None where the operator does not tell."""
    if node.op_type in KEEPS:
        return own
    if node.op_type == "Transpose":
        order = _whole(node, "perm")
        if order is None:
            order = [*range(len(own))][::-1]
        return tuple(own[i] for i in order) if sorted(order) == [*range(len(own))] else None
    if node.op_type == "Gather" and len(node.input) > 1:
        return _picked(node, own, values)
    if node.op_type not in ("Squeeze", "Unsqueeze"):
        return None
    places = _whole(node, "axes")
    if places is None and len(node.input) > 1:
        known = values.value(node.input[1])
        places = None if known is None else known.ravel().tolist()
    if not places:
        return None
    length = len(own) + len(places) * (node.op_type == "Unsqueeze")
    named = {place % length for place in places if -length <= place < length}
    if len(named) < len(places):
        return None
    if node.op_type == "Squeeze":
        return tuple(axis for place, axis in enumerate(own) if place not in named)
    rest = iter(own)
    return tuple(None if place in named else next(rest) for place in range(length))


def _picked(node: NodeProto, own: Followed, values: KnownValues) -> Followed | None:
    """Axes without the axis from which a Gather reads a single index; None for other Gathers."""
    place = values.value(node.input[1])
    said = next((a.i for a in node.attribute if a.name == "axis"), 0)
    if place is None or place.ndim or not -len(own) <= said < len(own):
        return None
    return tuple(axis for at, axis in enumerate(own) if at != said % len(own))


def _whole(node: NodeProto, name: str) -> list[int] | None:
    """An attribute that is a list of whole numbers."""
    said = (a for a in node.attribute if a.name == name and a.type == AttributeProto.INTS)
    return next((list(a.ints) for a in said), None)
