"""An ONNX graph as an engine: opened at tensors, differentiated by a second graph, cut in two."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np
from onnx import ModelProto

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.fused import Seeds
from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.attention import softmaxes
from xai_heatmap.networks.onnx.cut import behind, images_first, infos, replacing
from xai_heatmap.networks.onnx.fused import Opened, fused_plan, spread
from xai_heatmap.networks.onnx.graph import OnnxGraph, Ready, Source, ready
from xai_heatmap.networks.onnx.head import HeadPlans, OnnxHead, recorded
from xai_heatmap.networks.onnx.kept import Plans, once
from xai_heatmap.networks.onnx.plan import Plan, Run
from xai_heatmap.networks.onnx.session import Means
from xai_heatmap.networks.onnx.survey import Shapes, sightings
from xai_heatmap.networks.onnx.unrounded import unrounded
from xai_heatmap.networks.opening.axes_found import UNSEEN, Consumed
from xai_heatmap.networks.opening.fusing import Mapped, Ran
from xai_heatmap.networks.opening.held import Held
from xai_heatmap.networks.opening.interfaces import Adapter, ModelTrace, Recorded, Undo
from xai_heatmap.networks.opening.taps import Site
from xai_heatmap.networks.rules import GRADIENT, ONNX, BackwardRule, implemented_by

REPLACED = "activation in place of the layer's own"


@dataclass
class OnnxEngine:
    """Opens, differentiates and replays one model; graphs are compiled once and kept."""

    source: Source
    means: Means
    _ready: OrderedDict[Hashable, Ready] = field(default_factory=OrderedDict)
    _kept: Plans = field(default_factory=Plans)

    def ready(self, shape: tuple[int, ...], held: Held) -> Ready:
        """Graph prepared for pictures of `shape` (c, *image) and the held inputs, cached."""
        first = not self._ready  # of a file, not of every size
        return once(
            self._ready, (shape, held.key), lambda: ready(self.source, shape, held, compared=first)
        )

    def survey(self, adapter: Adapter, x: Native) -> ModelTrace:
        """From shapes that are inferred; the graph runs only where that is not enough."""
        known = self.ready(self._shape(x), adapter.held)

        def probe(tensors: Sequence[str]) -> Shapes:
            plan = self._plan(known.kept, tensors, backwards=False)
            found = _run(plan, adapter, known.kept, x[: self.source.picture.images]).tensors
            return {name: value.shape for name, value in found.items()}

        return sightings(known, images=self.source.picture.images, probe=probe)

    def consumed(self, adapter: Adapter, shape: tuple[int, ...]) -> Consumed:
        """Always `UNSEEN`: the axes of the graph were read when the graph was opened."""
        del adapter, shape
        return UNSEEN

    def answers(
        self, adapter: Adapter, x: Native, sites: Mapping[str, Site]
    ) -> Mapping[str, np.ndarray]:
        """Output of every site, in one forward run; the plan is not cached."""
        graph = self._graph(adapter, x, Undo())
        tensors = {name: _tensor(graph, site) for name, site in sites.items()}
        plan = self._plan(graph, tuple(dict.fromkeys(tensors.values())), backwards=False)
        found = _run(plan, adapter, graph, x).tensors
        return {name: found[tensor] for name, tensor in tensors.items()}

    def record(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        *,
        rule: BackwardRule = GRADIENT,
    ) -> Recorded:
        """Recording of one forward run; residuals of the backward run stay in the runtime's memory.

        A backward rule is carried out in ONNX by a `Way`; a rule of bias terms by a function such
        as `bias_terms.biases`.
        """
        graph = self._graph(adapter, x, undo)
        tensors = {name: _tensor(graph, site) for name, site in sites.items()}
        at = tuple(dict.fromkeys(tensors.values()))
        if rule.kind == "terms":
            terms = implemented_by(rule, ONNX)
            return self._with_terms(adapter, graph, x, tensors, at, terms)
        way = autodiff.DERIVATIVE if rule is GRADIENT else implemented_by(rule, ONNX)
        plan = self._kept.larger(graph, at, way) or self._kept.once(
            (graph, at, id(way)),
            lambda: self._plan(graph, at, backwards=bool(at), way=way),
        )
        return recorded(_run(plan, adapter, graph, x), tensors)

    def fused(
        self,
        adapter: Adapter,
        x: Native,
        maps: Sequence[Mapped],
        undo: Undo,
        seeds: Seeds,
        *,
        judged: bool,
    ) -> Ran | None:
        """Scores and maps of one run of one graph, compiled once and kept; None for the first few
        times where graphs are compiled already that give the same in two runs.
        """
        graph, images = self._graph(adapter, x, undo), self.source.picture.images
        opened = [Opened(_tensor(graph, own.site), own.layout, own.formula) for own in maps]
        key = graph, tuple(dict.fromkeys(opened)), seeds.link, judged
        plan = self._kept.plans.get(key) or self._kept.elsewhere(key)
        if isinstance(plan, Plan):
            return None
        plan = plan or self._kept.once(key, lambda: fused_plan(key, self.means, images))
        self._kept.plans.move_to_end(plan.key)
        found = plan.run(_feeds(adapter, graph, x), seeds, key, beside=_whole(adapter))
        return found if len(opened) == len(key[1]) else spread(found, key[1], opened)

    def attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """Recording of one forward run, opened at every softmax."""
        graph = self._graph(adapter, x, undo)
        at = softmaxes(graph, images=self.source.picture.images)
        tensors = dict(zip(at, at, strict=True))
        plan = self._kept.once((graph, at), lambda: self._plan(graph, at, backwards=bool(at)))
        return recorded(_run(plan, adapter, graph, x), tensors)

    def _with_terms(
        self,
        adapter: Adapter,
        graph: OnnxGraph,
        x: Native,
        tensors: Mapping[str, str],
        at: Sequence[str],
        terms: Callable[..., tuple[ModelProto, dict[str, str]]],
    ) -> Recorded:
        def made() -> tuple[Plan, Mapping[str, str]]:
            model, added = terms(graph.model, at, graph.scores)
            known = OnnxGraph(model, graph.image, graph.scores)
            plan = self._plan(known, [*dict.fromkeys([*at, *added])], backwards=True)
            return replace(plan, also=list(added.values())), added

        plan, added = self._kept.once((graph, terms, at), made)
        run = _run(plan, adapter, graph, x)
        found = {f"bias {number}": tensor for number, tensor in enumerate(added)}
        every = recorded(run, {**tensors, **found})
        outputs = {name: every.outputs[name] for name in tensors}
        return replace(
            every,
            outputs=outputs,
            biases={name: run.tensors[added[tensor]] for name, tensor in found.items()},
        )

    def head(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, *, whole: bool
    ) -> OnnxHead:
        """Head behind `site` for the one image `x`."""
        graph = self._graph(adapter, x, undo)
        tensor = _tensor(graph, site)
        plans = self._kept.once(
            (graph, tensor, whole),
            lambda: self._head_plans(graph, tensor, adapter.held, whole=whole),
        )
        return OnnxHead(name, plans, _feeds(adapter, graph, x), beside=_whole(adapter))

    def _head_plans(self, graph: OnnxGraph, tensor: str, held: Held, *, whole: bool) -> HeadPlans:
        """A head of codes is run without rounding; masks of the picture act on the network."""
        if whole and tensor != graph.image:
            cut = replacing(graph.model, tensor, scores=graph.scores, by=REPLACED), None
        else:
            cut = behind(graph.model, tensor, scores=graph.scores)
        asked = self._plans_of(graph, tensor, held, *cut)
        free = unrounded(cut[0]) if tensor != graph.image else None
        if free is None:
            return asked
        return replace(self._plans_of(graph, tensor, held, free, cut[1]), rounded=asked)

    def _plans_of(
        self,
        graph: OnnxGraph,
        tensor: str,
        held: Held,
        model: ModelProto,
        frontier: list[str] | None,
    ) -> HeadPlans:
        """A head of that graph, of which the frontier is handed over, or all inputs are."""
        images, means = self.source.picture.images, self.means  # not self: see _paired
        if frontier is None:
            return HeadPlans(
                self._plan(graph, [tensor], backwards=False),
                Plan(model, graph.scores, [], means, images, backwards=False),
                Plan(model, graph.scores, [REPLACED], means, images),
                cache(partial(_paired, model, graph.scores, REPLACED, means, images)),
                tensor, REPLACED, spread=[graph.image, *map(str, held.rows)],
                beside=[*map(str, held.whole)],
            )  # fmt: skip
        known = infos(graph.model)
        spread = [name for name in frontier if images_first(known.get(name), images)]
        return HeadPlans(
            self._plan(graph, [tensor, *frontier], backwards=False),
            Plan(model, graph.scores, [], means, images, backwards=False),
            Plan(model, graph.scores, [tensor], means, images),
            cache(partial(_paired, model, graph.scores, tensor, means, images)),
            tensor, tensor, spread, [name for name in frontier if name not in spread],
        )  # fmt: skip

    def _plan(
        self,
        graph: OnnxGraph,
        at: Sequence[str],
        *,
        backwards: bool,
        way: autodiff.Way = autodiff.DERIVATIVE,
    ) -> Plan:
        images = self.source.picture.images
        return Plan(graph.model, graph.scores, at, self.means, images, backwards=backwards, way=way)

    def _graph(self, adapter: Adapter, x: Native, undo: Undo) -> OnnxGraph:
        known = self.ready(self._shape(x), adapter.held)
        return known.undone if undo.mark and known.undone else known.kept

    def _shape(self, x: Native) -> tuple[int, ...]:
        shape = x.shape[1:]
        return (shape[-1], *shape[:-1]) if self.source.picture.channels_last else shape


def _run(plan: Plan, adapter: Adapter, graph: OnnxGraph, x: Native) -> Run:
    return plan.run(_feeds(adapter, graph, x), beside=_whole(adapter))


def _feeds(adapter: Adapter, graph: OnnxGraph, x: Native) -> dict[str, Any]:
    """Feeds of a run: the pictures, and the held inputs repeated for each picture."""
    rows = Held(adapter.held.rows).spread(lambda row: np.repeat(row, len(x), axis=0))
    return {graph.image: x, **{str(name): value for name, value in rows.items()}}


def _whole(adapter: Adapter) -> dict[str, Any]:
    return {str(name): value for name, value in adapter.held.whole.items()}


def _paired(
    model: ModelProto,
    scores: str,
    tensor: str,
    means: Means,
    images: int | None,
    rule: BackwardRule,
) -> Plan:
    """Plan of two runs of a head side by side; holds no engine, so that the engine can be freed."""
    return Plan(
        autodiff.beside(model, tensor), scores, [tensor], means, images,
        also=[autodiff.REFERENCE + scores], way=implemented_by(rule, ONNX),
    )  # fmt: skip


def _tensor(graph: OnnxGraph, site: Site) -> str:
    """The tensor at a site; the site without a part is the picture."""
    return graph.image if site.part is None else site.part[site.call]  # type: ignore[index] - parts are tuples of names
