"""Two sessions for one graph opened at tensors: forward, and backward from the residuals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from onnx import ModelProto

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.loading.loaded import first_line
from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.cut import depending_on, leading_to, part, reads
from xai_heatmap.networks.onnx.rows import Rows
from xai_heatmap.networks.onnx.session import Means, Session, Values, array, value

COTANGENT = "cotangent of the scores"

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Run:
    """Result of a forward run: scores, tensors, and the backward pass."""

    scores: Native
    tensors: Arrays
    pullback: Callable[[Native], Arrays]


@dataclass
class Plan:
    """Graph opened at tensors, with sessions created at first use.

    The graph with its derivative is cut in two where the scores are known: the first half also
    answers what the second reads, so nothing is computed twice, and the cotangent may be chosen in
    between.

    Parameters
    ----------
    model, scores, at
        The graph, the tensor that is differentiated, and those that it is opened at.
    means
        What its sessions compute with.
    images
        How many images go in at a time, None where any number does.
    backwards
        Whether gradients may be asked for.
    also
        Tensors that are answered, but by which nothing is differentiated.
    way
        Back: the derivative, or another one.
    """

    model: ModelProto
    scores: str
    at: Sequence[str]
    means: Means
    images: int | None = None
    backwards: bool = True
    also: Sequence[str] = ()
    way: autodiff.Way = autodiff.DERIVATIVE
    _halves: "_Halves | None" = field(default=None, init=False)

    def serves(self, at: Sequence[str], way: autodiff.Way) -> bool:
        """Whether the compiled plan also serves the tensors `at` with the rules of `way`."""
        compiled = self._halves is not None and not isinstance(self._halves.second, ModelError)
        return compiled and way is self.way and not self.also and set(at) <= set(self.at)

    def run(self, feeds: Arrays, *, beside: Arrays = MappingProxyType({})) -> Run:
        """Forwards; `feeds` have the images first, as many as there are, `beside` has none."""
        halves = self._halves = self._halves or _halves(self)
        n, asked = len(next(iter(feeds.values()))), (*self.at, *self.also)
        given = [{**chunk, **beside} for chunk in chunks(feeds, n, self.images)]
        runs = [halves.forward(chunk) for chunk in given]
        # What was handed in is taken as it was: the runtime's view of it does not keep it alive.
        held = [
            {one: chunk[one] if one in chunk else array(run[one]) for one in (self.scores, *asked)}
            for chunk, run in zip(given, runs, strict=True)
        ]
        found = joined(held, n, self.images)

        def pullback(cotangent: Native) -> Arrays:
            parts = chunks({COTANGENT: cotangent}, n, self.images)
            gradients = [halves.back(*pair) for pair in zip(runs, parts, strict=True)]
            return joined(gradients, n, self.images)

        return Run(found[self.scores], {name: found[name] for name in asked}, pullback)


@dataclass
class _Halves:
    """Compiled graphs of a plan, and the inputs of each; holds no reference to the plan, so that
    both are freed at once with the network.

    A gradient that is the same at every place of the grid, as behind a global average, is not
    written out: `gradients` then names what would be expanded to the tensor's shape.
    """

    means: Means
    images: int | None
    inputs: Sequence[str]
    first: Session
    residuals: Sequence[str]
    gradients: Mapping[str, str]
    second: ModelProto | ModelError
    _compiled: Session | None = None
    _rows: Rows | None = None

    def forward(self, feeds: Arrays) -> Values:
        given = {name: value(feeds[name]) for name in self.inputs}
        return {**given, **self.first(given)}

    def back(self, left: Values, feeds: Arrays) -> Arrays:
        if isinstance(self.second, ModelError):
            raise self.second
        if not self.gradients:
            return {}
        if self._compiled is None:
            compiled = self._compiled = Session(self.second, self.means)
            if not self.residuals and self.images is None:
                self._rows = Rows(lambda c: _arrays(compiled({COTANGENT: value(c)})))
        if self._rows is not None:
            found = self._rows(feeds[COTANGENT])
        else:
            given = {name: left[name] for name in self.residuals}
            found = _arrays(self._compiled({**given, COTANGENT: value(feeds[COTANGENT])}))
        return {
            tensor: np.broadcast_to(found[name], left[tensor].shape())
            for tensor, name in self.gradients.items()
        }


def _arrays(values: Values) -> Arrays:
    return {name: array(one) for name, one in values.items()}


def _halves(plan: Plan) -> _Halves:
    inputs = [info.name for info in plan.model.graph.input]
    nodes = plan.model.graph.node
    asked = [plan.scores, *plan.at, *plan.also]
    try:
        at = plan.at if plan.backwards else []
        both, gradients = autodiff.backward(
            plan.model, plan.scores, at, cotangent=COTANGENT, way=plan.way
        )
    except Exception as error:  # noqa: BLE001 - attributes that make no sense break a rule anywhere
        refused = error if isinstance(error, ModelError) else _broken(error)
        return _Halves(
            plan.means, plan.images, inputs, _first(plan, plan.model, asked), (), {}, refused
        )
    forward, written = both.graph.node[: len(nodes)], both.graph.node[len(nodes) :]
    expanded = {n.output[0]: n.input[0] for n in written if n.op_type == "Expand"}
    gradients = {tensor: expanded.get(name, name) for tensor, name in gradients.items()}
    back = list(leading_to(gradients.values(), written, given=[COTANGENT]))
    moving = depending_on(inputs, forward)
    residuals = list(dict.fromkeys(name for n in back for name in reads(n) if name in moving))
    still = [node for node in forward if not moving.intersection(node.output)]
    second = part(
        both,
        [*still, *back],
        inputs=[*residuals, COTANGENT],
        outputs=list(dict.fromkeys(gradients.values())),
    )
    return _Halves(
        plan.means,
        plan.images,
        inputs,
        _first(plan, both, [*asked, *residuals]),
        residuals,
        gradients,
        second,
    )


def _broken(error: Exception) -> ModelError:
    return ModelError(
        f"A derivative of the graph is needed and can't be written: {first_line(error)}. A node "
        "has attributes or constants that do not fit it; export the model again, or choose a "
        "method without gradients, such as eigencam."
    )


def _first(plan: Plan, model: ModelProto, asked: Sequence[str]) -> Session:
    inputs = [info.name for info in plan.model.graph.input]
    outputs = dict.fromkeys(name for name in asked if name not in inputs)
    nodes = model.graph.node[: len(plan.model.graph.node)]
    return Session(part(model, nodes, inputs=inputs, outputs=list(outputs)), plan.means)


def chunks(feeds: Arrays, n: int, images: int | None) -> list[Arrays]:
    """The feeds in portions of `images`; the last is filled up by repeating its last image."""
    if images is None:
        return [feeds]
    places = [np.minimum(np.arange(start, start + images), n - 1) for start in range(0, n, images)]
    return [{name: array[at] for name, array in feeds.items()} for at in places]


def joined(parts: Sequence[Arrays], n: int, images: int | None) -> Arrays:
    """What the portions gave, as one batch of `n`."""
    if images is None:
        return parts[0]
    if len(parts) == 1:
        return {
            name: array[:n] if array.shape[:1] == (images,) else array
            for name, array in parts[0].items()
        }
    return {name: np.concatenate([one[name] for one in parts])[:n] for name in parts[0]}
