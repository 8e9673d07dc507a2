"""Survey of a model for inputs of one shape: its layers, their layouts, and the layer of `auto`."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from xai_heatmap.core.arrays import Activations, Native
from xai_heatmap.core.collecting import uncollected
from xai_heatmap.core.errors import ModelError, XaiHeatmapError
from xai_heatmap.core.layers.flow import surveyed, unlike
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.core.network import INPUT, Layer
from xai_heatmap.core.targets.answer import ROW
from xai_heatmap.networks.loading.loaded import first_line
from xai_heatmap.networks.opening.axes_check import OF_SHAPES, SAID, check_axes
from xai_heatmap.networks.opening.changes import Room, moves
from xai_heatmap.networks.opening.folds import candidates, proven
from xai_heatmap.networks.opening.input_size_search import fitted
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, Adapter, ModelTrace, Undo
from xai_heatmap.networks.opening.layout_reading import DISPLACED, ends_of_grids
from xai_heatmap.networks.opening.meaning import meaning_in
from xai_heatmap.networks.opening.model_cache import ShapePlan
from xai_heatmap.networks.opening.one_by_one import OneByOne, goes_through, is_gone_through
from xai_heatmap.networks.opening.outputs import noticed
from xai_heatmap.networks.opening.scores import ScoredModel
from xai_heatmap.networks.opening.side_by_side import SideBySide
from xai_heatmap.networks.opening.taps import Site
from xai_heatmap.networks.opening.token_axes import HEADS, PAIRS
from xai_heatmap.networks.opening.trace import flow_in, layers_in, of_the_picture, sites_in
from xai_heatmap.networks.opening.trace import named as called


class SurveyedModel(ScoredModel):
    """An opened model whose layers are known."""

    def _view(self, shape: tuple[int, ...]) -> ShapePlan:
        """The network for inputs of `shape`; surveyed again where parts were taken out or put
        in.
        """
        with self._state.lock:
            self._at_the_door(shape, first=True)
            parts = self._adapter.parts()
            if parts is not self._parts and parts != self._parts:
                self._views.clear()
                self._state.know([*map(id, parts.values())])
            self._parts = parts  # the same object again, of a model that lists them only once
            if shape not in self._views:
                with uncollected():  # the layers and their ways stay
                    self._views[shape] = self._viewed(shape, parts)
                self._seen_first = self._seen_first or shape
            return self._views[shape]

    def _viewed(self, shape: tuple[int, ...], parts: Mapping[str, object]) -> ShapePlan:
        key = shape, self._adapter.output, self._beside(self._adapter), *parts
        if key not in self._state.surveys:
            every = self._seen(shape)
            seen = of_the_picture(every) if self._adapter.held else every
            queries = self._queries(seen, shape)
            seen, layers = self._read_layers(seen, shape, parts, queries)

            if not self._door.certain:
                word = self.axes_of(shape).word
                check_axes(layers, seen, shape, name=self.name, word=word)

            def alive(names: Sequence[str]) -> set[str]:
                return self._alive(names, layers, seen, parts)

            def apart(names: Sequence[str]) -> set[str]:
                return self._apart(names, layers, seen, parts)

            found = surveyed(
                layers,
                flow_in(seen),
                alive,
                apart=apart if self._scores_places(seen, layers) else None,
                boxes=queries is not None,
            )
            survey = replace(found, queries=queries, beside=seen.elsewhere)
            self._state.surveys[key] = seen, survey
        seen, survey = self._state.surveys[key]
        closing, undo = self._closing(seen, parts)
        if not self._state.proven.get(self._closing_key(shape), True):
            closing, undo = None, Undo()
        sites = {INPUT: Site(None, 0)} | sites_in(seen, parts)
        view = ShapePlan(survey, sites, closing, undo, seen.boxes, seen.names, tuple(seen.scores))
        if seen.answers is not None and seen.boxes is None and undo == Undo():
            key = self._meaning_key(view)
            if key not in self._state.meanings:
                own = meaning_in(seen.answers, ROW, keep_closing=self._keep_closing)
                self._state.meanings[key] = own
        return view

    def _seen(self, shape: tuple[int, ...]) -> ModelTrace:
        adapter, before = self._of([0]), self._state.one_by_one

        def look(tried: tuple[int, ...]) -> ModelTrace:
            with noticed(self._state.kept):
                return self._engine.survey(adapter, self._pictures(tried))

        try:
            seen = fitted(
                look,
                shape,
                alone=lambda: self._seen_one_by_one(adapter, shape),
                usual=self.declared.input_shape or shape,
                name=self.name,
                channels_last=self.channels_last,
            )
        except XaiHeatmapError:
            raise
        except Exception as problem:
            if out_of_memory(problem):
                raise
            self._refuse_fixed(shape, IMAGES_IN_A_SURVEY)
            if not self._adapter.held:
                raise ModelError(self._failed(shape, problem)) from problem
            raise ModelError(
                f"{self.name} failed on a picture of {'x'.join(map(str, shape))} with "
                f"{self._adapter.held} beside it: {first_line(problem)}. What is held has to have "
                "the shape and type that the model takes, behind a first axis that counts pictures."
            ) from problem
        if self._state.one_by_one and not before:
            self._say_one_by_one()
        elif goes_through(seen) and seen.boxes is None:
            seen = self._through(adapter, seen, shape)
        several = adapter.output if isinstance(adapter.output, SideBySide) else None
        return replace(seen, boxes=adapter.boxes, names=several.labels if several else ())

    def _seen_one_by_one(self, adapter: Adapter, shape: tuple[int, ...]) -> ModelTrace:
        """What is seen of a network that fails on two pictures at a time."""
        seen = OneByOne(self._own_engine).survey(adapter, self._pictures(shape))
        self._state.one_by_one = True
        return seen

    def _through(self, adapter: Adapter, seen: ModelTrace, shape: tuple[int, ...]) -> ModelTrace:
        """What is seen picture by picture of a network that goes through its batch itself."""
        alone = OneByOne(self._own_engine).survey(adapter, self._pictures(shape))
        if not is_gone_through(seen, alone):
            return seen
        self._state.one_by_one = True
        return alone

    def _say_one_by_one(self) -> None:
        warnings.warn(
            f"{self.name} takes one picture at a time, so that pictures, masks and values of a "
            "layer are run one after the other, which is slower. If it keeps the first axis as it "
            "comes, such as by x.flatten(1) instead of x.view(1, -1), it takes many at once.",
            stacklevel=2,
        )

    def _failed(self, shape: tuple[int, ...], problem: Exception) -> str:
        """Error message of a model that failed on pictures of `shape`, with any missing inputs."""
        said = self._image_shape or self.declared.input_shape
        guess = ", which was a guess" if said is None and shape == (3, 224, 224) else ""
        failed = (
            f"{self.name} failed on a picture of {'x'.join(map(str, shape))}{guess}: "
            f"{first_line(problem)}. "
        )
        missed = [name for name in self._adapter.others if re.search(rf"\b{name}\b", str(problem))]
        if not missed:
            return (
                f"{failed}Check that it runs on its own: model(pictures) with pictures (n, "
                f"{', '.join(map(str, shape))}); if it takes others, say so: "
                "xai_heatmap.network(model, image_shape=(c, H, W))."
                + (f" {SAID}" if isinstance(problem, OF_SHAPES) else "")
            )
        held = ", ".join(f"{name!r}: ..." for name in missed)
        return (
            f"{failed}It takes {', '.join(missed)} beside the picture: say what is held, "
            f"held={{{held}}}, with one row for each picture, or xai_heatmap.whole(...) of what no "
            "axis counts pictures of, such as texts that the picture is compared with."
        )

    def _folds(
        self, seen: ModelTrace, shape: tuple[int, ...], parts: Mapping[str, object]
    ) -> Mapping[str, int]:
        """Layers that run on every frame, and how many rows an image has there."""
        asked = candidates(called(seen), shape[1:])
        if not asked:
            return {}
        sites, noise = sites_in(seen, parts), self._noise(shape)

        def outputs(x: Native) -> Mapping[str, np.ndarray]:
            native = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if self.channels_last else x
            opened = {name: sites[name] for name in asked}
            return self._engine.record(self._of([0]), native, opened, Undo()).outputs

        return proven(asked, np.moveaxis(noise, -1, 1) if self.channels_last else noise, outputs)

    def _read_layers(
        self,
        seen: ModelTrace,
        shape: tuple[int, ...],
        parts: Mapping[str, object],
        queries: int | None,
    ) -> tuple[ModelTrace, dict[str, Layer]]:
        """Layers with layouts checked by changes: all layers where any layout is a guess, else the
        first and the last layer of each grid.
        """
        read = partial(
            layers_in,
            shape=shape,
            channels_last=self.channels_last,
            queries=queries,
            folds=self._folds(seen, shape, parts),
        )
        layers, guessed = read(seen)
        if seen.moves is not None or (len(shape) < 3 and not guessed):
            return seen, layers
        sites = sites_in(seen, parts)
        if not guessed and not seen.shifting:
            return seen, layers
        if not guessed:
            looked = self._moved(seen, shape, sites, ends_of_grids(layers))
            if not any(own.without == DISPLACED for own in read(looked)[0].values()):
                return seen, layers
        placed = [n for n in sites if layers[n].places > 1 or layers[n].without in (PAIRS, HEADS)]
        seen = self._moved(seen, shape, sites, placed)
        return seen, read(seen)[0]

    def _moved(
        self,
        seen: ModelTrace,
        shape: tuple[int, ...],
        sites: Mapping[str, Site],
        names: Sequence[str],
    ) -> ModelTrace:
        """Trace `seen` with the changes between two pictures in the layers `names`."""
        if not names:
            return seen
        calls, asked = called(seen), {name: sites[name] for name in names}
        answers = self._engine.answers(self._of([0]), self._pictures(shape), asked)
        room = Room()
        found = {
            (calls[name].path, calls[name].call): moves(output, shape[1:], room)
            for name, output in answers.items()
        }
        return replace(seen, moves={call: own for call, own in found.items() if own})

    def _alive(
        self,
        names: Sequence[str],
        layers: Mapping[str, Layer],
        seen: ModelTrace,
        parts: Mapping[str, object],
    ) -> set[str]:
        """Layers among `names` whose places carry gradient of the likeliest class."""
        noise = self._noise(layers[INPUT].shape)

        def seed(scores: Native) -> Native:
            return self._likeliest(scores, seen, noise.shape)

        gradients = self._gradients(names, layers, seen, parts, seed)
        return {name for name, own in gradients.items() if np.any(own)}

    def _apart(
        self,
        names: Sequence[str],
        layers: Mapping[str, Layer],
        seen: ModelTrace,
        parts: Mapping[str, object],
    ) -> set[str]:
        """Layers among `names` in which the scores of two places depend on different features."""

        def seed(scores: Native) -> Native:
            own = self._scores_reading(layers, scores.shape)
            rows = own.rows(scores)
            one = np.zeros((len(rows), rows.shape[1] // own.form.places, own.form.places), "f4")
            for row in range(len(one)):  # a place of each picture: a third and two thirds across
                place = [int((row + 1) * side / (len(one) + 1)) for side in own.form.grid]
                at = np.ravel_multi_index(place, own.form.grid)
                one[row, :, at] = np.random.default_rng(0).normal(size=one.shape[1])
            return own.native(one.reshape(rows.shape))

        gradients = self._gradients(names, layers, seen, parts, seed)
        pulls = {name: own.reshape(*own.shape[:2], -1).sum(-1) for name, own in gradients.items()}
        return {name for name, (one, other) in pulls.items() if unlike(one, other)}

    def _gradients(
        self,
        names: Sequence[str],
        layers: Mapping[str, Layer],
        seen: ModelTrace,
        parts: Mapping[str, object],
        seed: Callable[[Native], Native],
    ) -> dict[str, Activations]:
        """Gradients of the layers `names` on their grids, for noise and the cotangent `seed`."""
        sites = sites_in(seen, parts)
        opened = {name: sites[name] for name in names}
        undo = self._closing(seen, parts)[1]
        noise = self._noise(layers[INPUT].shape)
        recorded = self._engine.record(self._of([0]), noise, opened, undo)
        self._check_rows(recorded.scores)
        pulled = recorded.pullback(seed(recorded.scores))
        layouts = {name: layers[name].layout for name in pulled}
        return {name: own.to_grid(pulled[name]) for name, own in layouts.items() if own is not None}
