"""Subgraphs of an ONNX graph as models, with their inputs."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

from xai_heatmap.networks.onnx.input import IMAGES


def part(
    model: ModelProto,
    nodes: Iterable[NodeProto],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
) -> ModelProto:
    """Model of the nodes among `nodes` that `outputs` depend on, in the given order."""
    needed = list(leading_to(outputs, nodes, given=inputs))
    read = {name for node in needed for name in reads(node)} | set(outputs)
    known = infos(model)
    cut = ModelProto(ir_version=model.ir_version, producer_name=model.producer_name)
    cut.opset_import.extend(model.opset_import)
    cut.functions.extend(model.functions)
    graph = cut.graph
    graph.name = model.graph.name or "graph"
    graph.node.extend(needed)
    graph.initializer.extend(i for i in model.graph.initializer if i.name in read)
    graph.sparse_initializer.extend(
        i for i in model.graph.sparse_initializer if i.values.name in read
    )
    graph.input.extend(known[name] for name in inputs)
    graph.output.extend(known.get(name, ValueInfoProto(name=name)) for name in outputs)
    made = {name for node in needed for name in node.output} - set(outputs)
    graph.value_info.extend(known[name] for name in made if name in known)
    return cut


def leading_to(
    outputs: Iterable[str], nodes: Iterable[NodeProto], *, given: Collection[str] = ()
) -> Iterator[NodeProto]:
    """The nodes that `outputs` depend on, where the tensors of `given` need no node."""
    wanted, kept = set(outputs) - set(given), []
    for node in reversed(list(nodes)):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(name for name in reads(node) if name not in given)
    return reversed(kept)


def depending_on(names: Iterable[str], nodes: Iterable[NodeProto]) -> set[str]:
    """Tensors that depend on one of `names`, including `names`."""
    found = set(names)
    for node in nodes:
        if not found.isdisjoint(reads(node)):
            found.update(output for output in node.output if output)
    return found


def behind(model: ModelProto, tensor: str, *, scores: str) -> tuple[ModelProto, list[str]]:
    """Model between a tensor and the scores, and the frontier: the other inputs of that model.

    The frontier are tensors that depend on an input but not on the tensor.
    """
    nodes, inputs = model.graph.node, [value.name for value in model.graph.input]
    below, moving = depending_on([tensor], nodes), depending_on(inputs, nodes)
    own = [node for node in nodes if below.intersection(node.output) and tensor not in node.output]
    head = list(leading_to([scores], own, given=[tensor]))
    frontier = list(
        dict.fromkeys(
            name for node in head for name in reads(node) if name in moving and name not in below
        )
    )
    return part(model, nodes, inputs=[tensor, *frontier], outputs=[scores]), frontier


def replacing(model: ModelProto, tensor: str, *, scores: str, by: str) -> ModelProto:
    """Whole graph in which the new input `by` takes the place of a tensor."""
    inputs = [value.name for value in model.graph.input]
    copy = ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        node.input[:] = [by if name == tensor else name for name in node.input]
    info = ValueInfoProto()
    info.CopyFrom(infos(model)[tensor])
    info.name = by
    copy.graph.input.append(info)
    return part(copy, copy.graph.node, inputs=[*inputs, by], outputs=[scores])


def infos(model: ModelProto) -> Mapping[str, ValueInfoProto]:
    """Value info of each tensor whose type and shape the graph states."""
    graph = model.graph
    return {value.name: value for value in (*graph.value_info, *graph.output, *graph.input)}


def reads(node: NodeProto) -> list[str]:
    """Tensors that a node reads, including those that subgraphs of the node read."""
    inner = (name for graph in _bodies(node) for name in _read_in(graph))
    return [name for name in (*node.input, *inner) if name]


def _read_in(graph: GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield from reads(node)
    yield from (value.name for value in graph.output)


def _bodies(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def images_first(value: ValueInfoProto | None, images: int | None) -> bool:
    """Whether the first axis of a tensor counts images, by the known shape."""
    if value is None or not value.type.tensor_type.shape.dim:
        return False
    first = value.type.tensor_type.shape.dim[0]
    return first.dim_param == IMAGES if images is None else first.dim_value == images
