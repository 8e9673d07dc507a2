"""Survey of an ONNX graph: layers with shapes, and the flow between tensors."""

from collections.abc import Callable, Mapping, Sequence

from onnx import ModelProto, NodeProto, TensorProto

from xai_heatmap.core.layers.placing import Window, read_by
from xai_heatmap.core.network import INPUT
from xai_heatmap.networks.onnx.before_choice import OF_LENGTHS
from xai_heatmap.networks.onnx.cut import depending_on, infos, reads
from xai_heatmap.networks.onnx.graph import OnnxGraph, Ready
from xai_heatmap.networks.onnx.input import IMAGES, REAL
from xai_heatmap.networks.onnx.modules import Answered, modules
from xai_heatmap.networks.onnx.windows import WindowReader
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, LayerCall, ModelTrace
from xai_heatmap.networks.opening.mixing import mixes
from xai_heatmap.networks.opening.shifting import may_shift

SUMS = ("Add", "Sum")

Shapes = Mapping[str, tuple[int, ...]]
Probe = Callable[[Sequence[str]], Shapes]
"""Function from names to shapes of tensors, which runs the graph on pictures of noise."""


def sightings(ready: Ready, *, images: int | None, probe: Probe) -> ModelTrace:
    """Trace of a graph: each node with real numbers that depends on the picture is a layer call.

    Parameters
    ----------
    ready
        The graph.
    images
        How many pictures it takes at a time, None where any number.
    probe
        Asked for the tensors whose shapes can't be inferred, if there are any.
    """
    graph = ready.kept
    moving = depending_on([graph.image], graph.model.graph.node)
    nodes = [node for node in ready.layers if node.output[0] in moving]
    shapes = _shapes(graph.model, [node.output[0] for node in nodes], images, probe)
    number = {name: index for index, name in enumerate([graph.image, *sorted(moving)])}
    number[graph.image] = 0
    every, answered = sites(ready), _answered(ready)
    calls = []
    for node in nodes:
        tensor = node.output[0]
        if tensor in shapes:
            names = [
                (path(node), node.op_type),
                *((m.path, m.kind) for m in answered.get(tensor, ())),
            ]
            calls.extend(
                LayerCall(own, every[own].index(tensor), kind, shapes[tensor], number[tensor])
                for own, kind in names
            )
    return ModelTrace(
        calls=calls,
        sources=_sources(graph.model, number),
        image=0,
        output=number[graph.scores],
        sums=frozenset(number[n.output[0]] for n in nodes if n.op_type in SUMS),
        last=[],
        closing=ready.closing,
        mark=ready.closing,
        passing=frozenset(
            number[name]
            for node in graph.model.graph.node
            if not mixes(node.op_type)
            for name in node.output
            if name in number
        ),
        shifting=any(_may_shift(node, shapes) for node in nodes),
        windows=_windows(graph, nodes, shapes, number, images),
        scores=_shapes(graph.model, [graph.scores], images, probe).get(graph.scores, ()),
    )


def _may_shift(node: NodeProto, shapes: Shapes) -> bool:
    """Whether a node may move places of the picture."""
    return may_shift(node.op_type, shapes.get(node.input[0]), shapes.get(node.output[0]))


def _windows(
    graph: OnnxGraph,
    nodes: Sequence[NodeProto],
    shapes: Shapes,
    number: Mapping[str, int],
    images: int | None,
) -> dict[int, list[Window]]:
    """Windows of all nodes that have any."""
    known = infos(graph.model)
    image = _inferred(known[graph.image], images) if graph.image in known else None
    reader = WindowReader(graph.model, {**shapes, **({graph.image: image} if image else {})})
    found = {number[node.output[0]]: read_by(reader.read, node) for node in nodes}
    return {node: own for node, own in found.items() if own}


def path(node: NodeProto) -> str:
    """Name of a layer: the node's name, else the name of the node's output."""
    name = node.name or node.output[0]
    return f"{name} ({node.op_type})" if name == INPUT else name


def sites(ready: Ready) -> dict[str, tuple[str, ...]]:
    """Tensors of every layer, in order of the calls."""
    found: dict[str, tuple[str, ...]] = {}
    answered = _answered(ready)
    for node in ready.layers:
        tensor = node.output[0]
        for own in (path(node), *(module.path for module in answered.get(tensor, ()))):
            found[own] = (*found.get(own, ()), tensor)
    return found


def _answered(ready: Ready) -> dict[str, list[Answered]]:
    """Modules by output tensor, innermost first."""
    found: dict[str, list[Answered]] = {}
    for module in modules(ready.layers, [ready.kept.scores]):
        if module.path != INPUT:
            found.setdefault(module.tensor, []).append(module)
    return found


def _sources(model: ModelProto, number: Mapping[str, int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for node in model.graph.node:
        read = () if node.op_type in OF_LENGTHS else reads(node)
        made_of = [number[name] for name in read if name in number]
        found.update((number[name], made_of) for name in node.output if name in number)
    return found


def _shapes(
    model: ModelProto, tensors: Sequence[str], images: int | None, probe: Probe
) -> dict[str, tuple[int, ...]]:
    """The shapes of tensors of real numbers, for IMAGES_IN_A_SURVEY pictures."""
    known = infos(model)
    types = {name: known[name].type.tensor_type.elem_type for name in tensors if name in known}
    real = [name for name in tensors if types.get(name, TensorProto.UNDEFINED) in (0, *REAL)]
    shapes = {name: _inferred(known[name], images) for name in real if name in known}
    missing = [name for name in real if shapes.get(name) is None]
    found = {name: shape for name, shape in shapes.items() if shape is not None}
    if missing:
        probed = {name: _counted(shape, images) for name, shape in probe(missing).items()}
        found |= probed
    return found


def _inferred(value: object, images: int | None) -> tuple[int, ...] | None:
    """Inferred shape of a value, None if unknown."""
    kind = value.type.tensor_type  # type: ignore[attr-defined] - protobuf's classes are made at run time
    if not kind.HasField("shape"):
        return None
    lengths = [dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim]
    if lengths and images is None and kind.shape.dim[0].dim_param == IMAGES:
        lengths[0] = IMAGES_IN_A_SURVEY
    known = tuple(length for length in lengths if length is not None)
    return _counted(known, images) if len(known) == len(lengths) else None


def _counted(shape: tuple[int, ...], images: int | None) -> tuple[int, ...]:
    """Shape with IMAGES_IN_A_SURVEY images in place of a fixed number of images; an axis of another
    length, such as one that holds the heads of every image, is longer by as much.
    """
    if images is None or not shape:
        return shape
    return (max(shape[0] * IMAGES_IN_A_SURVEY // images, 1), *shape[1:])
