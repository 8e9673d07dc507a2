"""Reverse sweep: once from the output back to the tensors in question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto

from xai_heatmap.core.errors import ModelError, NoRule, did_you_mean
from xai_heatmap.networks.onnx.autodiff.broadcasting import unstretched
from xai_heatmap.networks.onnx.autodiff.builder import PREFIX, Builder, MaxPoolForm
from xai_heatmap.networks.onnx.autodiff.registry import (
    Cotangents,
    Node,
    Rule,
    check_version,
    whole,
)
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, real
from xai_heatmap.networks.onnx.autodiff.way import DERIVATIVE, Way

QUANTIZED = frozenset({"int4", "uint4", "int8", "uint8", "int16", "uint16"})
QUANTIZES = ("QuantizeLinear", "DynamicQuantizeLinear")

SUMS_OF_CODES = frozenset({
    *("ConvInteger", "MatMulInteger", "Add", "Sub", "Concat", "Flatten", "Gather", "Identity"),
    *("Reshape", "Slice", "Squeeze", "Split", "Transpose", "Unsqueeze"),
})  # fmt: skip
"""Operators whose rules hold of int32 too, which products of codes add up to."""


def backward(
    model: ModelProto,
    output: str,
    at: Sequence[str],
    *,
    cotangent: str = "cotangent",
    maxpool: MaxPoolForm = "portable",
    way: Way = DERIVATIVE,
) -> tuple[ModelProto, dict[str, str]]:
    """Model with added gradients ∂⟨cotangent, output⟩/∂tensor for each tensor of `at`.

    Parameters
    ----------
    model
        As `prepared` returns it. It is not changed.
    output
        The tensor that is differentiated, usually the scores.
    at
        Names of tensors; inputs of the graph are allowed, and so is `output` itself.
    cotangent
        The name of the new graph input, which has the type and shape of `output`.
    maxpool
        ``"portable"`` uses operators that every runtime has; ``"scatter"`` asks the pooling node
        for its second output, `Indices`, and needs less memory.
    way
        The derivative, or another way back in its place.

    Returns
    -------
    model, gradients
        The new model, with one more input and more outputs, and the name of the output for each
        tensor of `at`; two tensors may share one.

    Raises
    ------
    NoRule
        An operator between the tensors and the output cannot be differentiated.
    """
    builder = Builder(model, maxpool)
    seed = builder.input(cotangent, like=builder.tensor(output))
    found = gradients(builder, {output: seed}, at, way=way)
    names = {
        name: builder.output(f"{PREFIX}gradient/{name}", gradient, like=builder.tensor(name))
        for name, gradient in found.items()
    }
    return builder.finished(), names


def gradients(
    builder: Builder,
    cotangents: Mapping[str, Tensor],
    at: Sequence[str],
    *,
    way: Way = DERIVATIVE,
) -> dict[str, Tensor]:
    """Write the sweep: Σ ∂⟨cotangent, output⟩/∂tensor over all outputs, for each tensor of `at`."""
    found, refused = _sweep(builder, cotangents, at, way)
    for error in refused.values():
        raise error
    return found


def refusals(model: ModelProto, output: str, at: Sequence[str]) -> dict[str, NoRule]:
    """Tensors of `at` that cannot be differentiated, each with the error."""
    builder = Builder(model)
    return _sweep(builder, {output: builder.tensor(output)}, at, DERIVATIVE)[1]


def _sweep(
    builder: Builder, cotangents: Mapping[str, Tensor], at: Sequence[str], way: Way
) -> tuple[dict[str, Tensor], dict[str, NoRule]]:
    """Gradient of each tensor, or the error where there is none."""
    _check_names(builder, [*at, *cotangents])
    active = moving(builder, at, way)
    totals, refused = dict(cotangents), dict[str, NoRule]()
    for proto in reversed(builder.forward):
        wanted = way.wanted(proto, [name for name in _reads(proto) if name in active])
        error = next((refused[name] for name in proto.output if name in refused), None)
        arriving = [totals.get(name) for name in proto.output]
        if not wanted or way.constant(proto, builder):
            continue
        if error is None and any(cotangent is not None for cotangent in arriving):
            try:
                _add(totals, _sent(Node(proto, builder), arriving, wanted, way))
            except NoRule as caught:
                error = caught
        if error is not None:
            refused.update(dict.fromkeys((name for name in wanted if name not in refused), error))
    found = {name: totals.get(name) or builder.tensor(name).zeros() for name in at}
    return found, {name: refused[name] for name in at if name in refused}


def _add(totals: dict[str, Tensor], sent: Iterable[tuple[str, Tensor]]) -> None:
    for name, cotangent in list(sent):
        totals[name] = totals[name] + cotangent if name in totals else cotangent


def _sent(
    node: Node, arriving: Sequence[Tensor | None], wanted: Sequence[str], way: Way
) -> Iterator[tuple[str, Tensor]]:
    """Cotangents of the inputs of one node."""
    rule = way.rule(node.proto)
    check_version(node.proto, node.builder.opset)
    share = way.share(node.proto, wanted)
    arriving = [own and own * share for own in arriving] if share != 1 else arriving
    if captured := [name for name in wanted if name not in node.proto.input]:
        raise node.refused(f"its body reads {captured[0]!r} from outside")
    if _kind(node.builder, node.proto.output[0]) == "whole" and (
        node.proto.op_type not in SUMS_OF_CODES
    ):
        raise node.refused("it computes with integers that a quantiser made")
    cotangents = _applied(rule, node, arriving)
    for index, name in enumerate(node.proto.input):
        if name not in wanted:
            continue
        cotangent = cotangents[index] if index < len(cotangents) else None
        if cotangent is None:
            raise node.refused(f"its input {index} ({name!r}) has no formula")
        if rule.broadcasts:
            original = node.builder.tensor(name)
            cotangent = unstretched(node, cotangent, node.shape(node.output), original)
        yield name, cotangent


def _applied(rule: Rule, node: Node, arriving: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
    if rule.every_output:
        answer: Cotangents = rule.function(node, *arriving)
    elif arriving[0] is None or any(cotangent is not None for cotangent in arriving[1:]):
        raise node.refused("only its first output has a formula")
    else:
        answer = rule.function(node, arriving[0])
    return (answer,) if isinstance(answer, Tensor) else answer


def moving(builder: Builder, at: Sequence[str], way: Way = DERIVATIVE) -> set[str]:
    """Tensors that depend on one of `at` through real numbers or through quantised ones.

    The scale and zero point that a dynamic quantiser makes count as constants: they are how numbers
    are written, not what they say.
    """
    active = set(at)
    for node in builder.forward:
        read = active.intersection(_reads(node))
        if read and not way.constant(node, builder):
            quantised = node.op_type in QUANTIZES or any(
                _kind(builder, name) in ("quantised", "whole") for name in read
            )
            kinds = {"real", "quantised", "whole"} if quantised else {"real"}
            answers = node.output[:1] if node.op_type == "DynamicQuantizeLinear" else node.output
            active.update(name for name in answers if name and _kind(builder, name) in kinds)
    return active


def _kind(builder: Builder, name: str) -> str:
    """Whether a tensor holds real numbers (also taken for granted if its type is not known)."""
    dtype = builder.dtypes.get(name)
    if dtype is None or real(dtype):
        return "real"
    if dtype.name in QUANTIZED:
        return "quantised"
    return "whole" if whole(dtype) else "other"


def _reads(node: NodeProto) -> list[str]:
    """Tensors that a node or a subgraph of the node reads, each once."""
    captured = (name for graph in _bodies(node) for name in _captured(graph))
    return list(dict.fromkeys(name for name in (*node.input, *captured) if name))


def _bodies(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def _captured(graph: GraphProto) -> Iterable[str]:
    own = {value.name for value in (*graph.input, *graph.initializer)}
    own.update(name for node in graph.node for name in node.output)
    read = [name for node in graph.node for name in _reads(node)]
    return [name for name in (*read, *(value.name for value in graph.output)) if name not in own]


def _check_names(builder: Builder, names: Sequence[str]) -> None:
    there = {*builder.producer, *(value.name for value in builder.model.graph.input)}
    for name in names:
        if name not in there:
            raise ModelError(f"The graph has no tensor {name!r}.{did_you_mean(name, there)}")
        if not real(dtype := builder.tensor(name).dtype):
            raise ModelError(
                f"A tensor of real numbers is needed, and {name!r} holds {dtype}. "
                f"Choose the first tensor behind it that holds real numbers."
            )
