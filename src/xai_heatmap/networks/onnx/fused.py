"""Graphs that answer scores and maps in one run: forward, choice, backward and formulas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper

from xai_heatmap.core.errors import ModelError
from xai_heatmap.core.fused import Link, Seeds
from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.autodiff import Builder, Tensor, op
from xai_heatmap.networks.onnx.autodiff.tensor import where
from xai_heatmap.networks.onnx.branch import on_grid
from xai_heatmap.networks.onnx.cut import part
from xai_heatmap.networks.onnx.formulas import FORMULAS, SIGNED
from xai_heatmap.networks.onnx.graph import OnnxGraph
from xai_heatmap.networks.onnx.head_form import linear_head
from xai_heatmap.networks.onnx.plan import Arrays, chunks, joined
from xai_heatmap.networks.onnx.session import Means, Session
from xai_heatmap.networks.opening.fusing import Ran

CLASSES, WEIGHTS = "classes of the seed", "weights of the seed"
"""Inputs of the graph: what is explained of every image."""


LIFTED = 1e6
"""Factor by which what a map shows goes before what a closing ReLU has cut off."""


@dataclass(frozen=True)
class Opened:
    """A tensor with its layout and the formula of its map."""

    tensor: str
    layout: Layout
    formula: str


@dataclass(frozen=True)
class FusedPlan:
    """A compiled graph of scores, cotangent and maps.

    Parameters
    ----------
    session
        The graph.
    outputs
        Names of the scores, the cotangent, each map, and of each map its strongest place with the
        gradient and the activation there.
    key
        What was asked for.
    images
        How many images go in at a time, None where any number does.
    """

    session: Session
    outputs: Sequence[str]
    key: "Key"
    images: int | None

    def serves(self, key: "Key") -> bool:
        """Whether the graph answers all of a smaller question too."""
        graph, opened, link, judged = self.key
        same = graph is key[0] and link == key[2] and judged >= key[3]
        return same and set(key[1]) <= set(opened)

    def only(self, found: Ran, key: "Key") -> Ran:
        """Result of a smaller question out of that of the whole graph."""
        if key is self.key or key == self.key:
            return found
        return spread(found if key[3] else replace(found, strongest=()), self.key[1], key[1])

    def run(self, feeds: Arrays, seeds: Seeds, key: "Key", *, beside: Arrays) -> Ran:
        """Run the graph, and take of it what was asked for; `feeds` have the images first, `beside`
        has none.
        """
        n = len(seeds.classes)
        given = {**feeds, CLASSES: seeds.classes, WEIGHTS: seeds.weights}
        runs = [
            self.session.arrays({**own, **beside}, self.outputs)
            for own in chunks(given, n, self.images)
        ]
        found = joined(runs, n, self.images)
        scores, cotangent, *rest = (found[name] for name in self.outputs)
        maps = len(self.key[1])
        columns = rest[maps:]
        numbers = (own.astype(np.int64) for own in columns[::3])  # the runtime's are long long
        places = list(zip(numbers, columns[1::3], columns[2::3], strict=True))
        return self.only(Ran(scores, cotangent, rest[:maps], places), key)


def spread(found: Ran, own: Sequence[Opened], wanted: Sequence[Opened]) -> Ran:
    """Maps of `own` as those of `wanted`, which are among them: layers of one tensor share an
    array.
    """
    known = {one: place for place, one in enumerate(own)}
    places = [known[one] for one in wanted]
    strongest = [found.strongest[place] for place in places] if found.strongest else ()
    return replace(found, maps=[found.maps[place] for place in places], strongest=strongest)


Key = tuple[OnnxGraph, tuple[Opened, ...], Link, bool]
"""Graph, maps, link of the seeds, and whether the maps are judged."""


def fused_plan(key: Key, means: Means, images: int | None) -> FusedPlan:
    """Compile the graph for what is asked of it.

    Raises
    ------
    ModelError
        If the scores are no row of known length, or an operator has no derivative.
    """
    graph, opened, link, judged = key
    model = ModelProto()
    model.CopyFrom(graph.model)
    for name, kind in ((CLASSES, TensorProto.INT64), (WEIGHTS, TensorProto.FLOAT)):
        model.graph.input.append(helper.make_tensor_value_info(name, kind, ["images", "parts"]))
    builder = Builder(model)
    scores = builder.tensor(graph.scores)
    if scores.shape is None or len(scores.shape) != 2 or not isinstance(scores.shape[1], int):
        raise ModelError("The scores are no row of known length.")
    seed = _seed(scores, scores.shape[1], link)
    gradients = _gradients(builder, graph, opened, seed, link)
    written = [builder.output("cotangent", seed.cast(np.dtype(np.float32)))]
    places: list[str] = []
    for own in opened:
        activation = on_grid(builder.tensor(own.tensor), own.layout)
        gradient, even = gradients[own.tensor]
        map_ = FORMULAS[own.formula](activation, gradient, own.layout.grid)
        written.append(builder.output(f"map {len(written)}", map_))
        if judged:
            signed = SIGNED[own.formula](activation, gradient, own.layout.grid)
            at = _strongest(map_, signed)
            places.append(builder.output(f"place {len(written)}", op("Reshape", at, (-1,))))
            k = activation.shape[1] if activation.shape else None
            for name, values, one in (("gradient", gradient, even), ("activation", activation, 0)):
                column = op("Reshape", values, (0, -1)) if one else _column(values, at, k)
                places.append(builder.output(f"{name} {len(written)}", column))
    finished = builder.finished()
    outputs = [graph.scores, *written, *places]
    inputs = [info.name for info in finished.graph.input]
    nodes = finished.graph.node
    cut = part(finished, nodes, inputs=inputs, outputs=list(dict.fromkeys(outputs)))
    return FusedPlan(Session(cut, means), outputs, key, images)


def _seed(scores: Tensor, units: int, link: Link) -> Tensor:
    """∂y/∂scores, (images, units)."""
    builder = scores.builder
    classes, weights = builder.tensor(CLASSES), builder.tensor(WEIGHTS).cast(scores.dtype)
    if units == 1:
        sign = (scores > 0).cast(scores.dtype) * 2 - 1
        v = where(classes < 0, weights * sign, weights).sum(1)
    else:
        best = op("ArgMax", scores, axis=1, keepdims=1)
        among = op("Where", classes < 0, best, classes)
        v = op("ScatterElements", scores.zeros(), among, weights, axis=1, reduction="add")
    if link == "softmax":
        p = op("Softmax", scores, axis=1)
        return p * (v - (p * v).sum(1))
    if link == "sigmoid":
        p = op("Sigmoid", scores)
        return p * (1 - p) * v
    return v


def _gradients(
    builder: Builder, graph: OnnxGraph, opened: Sequence[Opened], seed: Tensor, link: Link
) -> dict[str, tuple[Tensor, bool]]:
    """Gradient of every tensor on its grid, and whether there is one place for all; of a linear
    head rows of its weights.
    """
    layouts = {own.tensor: own.layout for own in opened}
    if len(layouts) == 1 and link == "scores":
        ((name, layout),) = layouts.items()
        head = linear_head(graph.model, name, layout, scores=graph.scores)
        shape = builder.tensor(graph.scores).shape
        if head is not None and shape is not None and shape[1] != 1:
            best = op("ArgMax", builder.tensor(graph.scores), axis=1, keepdims=1)
            classes = op("Where", builder.tensor(CLASSES) < 0, best, builder.tensor(CLASSES))
            found = head.gradients(builder, classes, builder.tensor(WEIGHTS), layout)
            return {name: (found, True)}
    swept = autodiff.gradients(builder, {graph.scores: seed}, list(layouts))
    written = {node.output[0]: node for node in builder.model.graph.node[len(builder.forward) :]}
    narrow = {name: _narrow(swept[name], layout, written) for name, layout in layouts.items()}
    return {
        name: (on_grid(own, layouts[name]), own is not swept[name]) for name, own in narrow.items()
    }


def _narrow(gradient: Tensor, layout: Layout, written: Mapping[str, NodeProto]) -> Tensor:
    """A gradient that is the same all over the grid, as behind a global average, with one place."""
    node = written.get(gradient.name)
    if node is None or node.op_type != "Expand" or layout.kind != "channels_first":
        return gradient
    own = node.input[0]
    shaping = written.get(own)
    while shaping is not None and shaping.op_type in ("Mul", "Div", "Cast"):
        shaping = written.get(shaping.input[0])
    if shaping is None or shaping.op_type != "Reshape":
        return gradient
    lengths = gradient.builder.tensor(shaping.input[1]).value
    ones = [1] * len(layout.grid)
    narrow = lengths is not None and lengths[2:].tolist() == ones and len(lengths) == 2 + len(ones)
    return gradient.builder.tensor(own) if narrow else gradient


def _strongest(map_: Tensor, signed: Tensor) -> Tensor:
    """Number of the strongest place of each map: (images, 1)."""
    if map_.name == signed.name:
        heights = op("Abs", map_)
    else:  # a closing ReLU cut off what is negative, which comes behind all that is not
        heights = op("LeakyRelu", signed, alpha=-1 / LIFTED)
    return op("ArgMax", op("Reshape", heights, (0, -1)), axis=1, keepdims=1)


def _column(values: Tensor, at: Tensor, k: object) -> Tensor:
    """The values of all k feature maps at a place: (images, k)."""
    rows = op("Reshape", values, (0, 0, -1))  # never transposed, which copies the whole layer
    own = op("Unsqueeze", at, (1,))
    if isinstance(k, int):
        each = own + np.zeros((1, k, 1), np.int64)
    else:
        each = op("Expand", own, op("Concat", op("Shape", rows, start=0, end=2), (1,), axis=0))
    return op("Reshape", op("GatherElements", rows, each, axis=2), (0, 0))
