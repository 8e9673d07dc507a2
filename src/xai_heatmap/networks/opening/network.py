"""A network made of parts that run: what PyTorch, Keras and ONNX models have in common.

An *adapter* knows a model: its parts, how to call it, how its closing softmax is left out. An
*engine* knows a framework: how values are followed, differentiated and replayed. This module joins
the two into a `Network`.
"""

import copy
import re
import threading
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float32

from xai_heatmap.core.arrays import Activations, Inputs, Native, Scores
from xai_heatmap.core.attention import Block
from xai_heatmap.core.axes import Axes
from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.errors import (
    BadArray,
    LayerNotReached,
    ModelError,
    NoHead,
    NonFiniteScores,
    NoScores,
    XaiHeatmapError,
)
from xai_heatmap.core.layers.flow import surveyed, unlike
from xai_heatmap.core.layers.selection import grids, select
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.core.network import (
    INPUT,
    Declared,
    Layer,
    Layers,
    LogRecording,
    Network,
    Recording,
    Survey,
)
from xai_heatmap.core.targets.answer import ROW, Meaning
from xai_heatmap.networks.loading.loaded import first_line
from xai_heatmap.networks.opening.alone import Alone
from xai_heatmap.networks.opening.attended import Attended
from xai_heatmap.networks.opening.axes_check import OF_SHAPES, SAID, check_axes
from xai_heatmap.networks.opening.axes_found import Consumed, Door, Settled
from xai_heatmap.networks.opening.box_layout import BoxReading, box_reading, check_unit
from xai_heatmap.networks.opening.folds import candidates, proven
from xai_heatmap.networks.opening.head_check import MIXED, Proof, proof, still_repeats
from xai_heatmap.networks.opening.input_size_search import fitted
from xai_heatmap.networks.opening.inputs import check_input
from xai_heatmap.networks.opening.interfaces import (
    IMAGES_IN_A_SURVEY,
    Adapter,
    Closing,
    Engine,
    Head,
    Recorded,
    Sightings,
    Undo,
)
from xai_heatmap.networks.opening.layout_probe import moves, pictures
from xai_heatmap.networks.opening.layout_reading import DISPLACED, ends_of_grids
from xai_heatmap.networks.opening.meaning import may_be_probabilities, meaning_in
from xai_heatmap.networks.opening.recent import SIZES, Recent
from xai_heatmap.networks.opening.recording import Apart, OpenedRecording, layout_of
from xai_heatmap.networks.opening.score_layout import Reading, reading, sum_to_one
from xai_heatmap.networks.opening.taps import Site
from xai_heatmap.networks.opening.trace import flow_in, layers_in, of_the_picture, sites_in
from xai_heatmap.networks.opening.trace import named as called

WITHOUT_A_HEAD = "Methods of one pass work there, such as gradcam, hirescam or eigencam."
"""What to do where a head does not repeat itself."""


@dataclass(frozen=True)
class View:
    """A network for inputs of one shape."""

    survey: Survey
    sites: Mapping[str, Site]
    closing: Closing | None
    undo: Undo
    boxes: Boxes | None = None


@dataclass
class State:
    """What has been learnt of a model; holds no reference to it, so it is forgotten with the
    model.
    """

    surveys: dict[Any, tuple[Sightings, Survey]] = field(default_factory=Recent)
    proven: dict[Any, bool] = field(default_factory=lambda: Recent(4 * SIZES))
    meanings: dict[Any, Meaning] = field(default_factory=lambda: Recent(4 * SIZES))
    heads: dict[Any, Proof] = field(default_factory=lambda: Recent(64 * SIZES))
    attended: Attended = field(default_factory=Attended)
    kept: dict[Any, Any] = field(default_factory=dict)
    axes: dict[Any, Settled] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    parts: list[int] = field(default_factory=list)

    def know(self, parts: list[int]) -> None:
        """Forget what was learnt of other parts than these."""
        if self.parts and parts != self.parts:
            self.surveys.clear()
            self.axes.clear()
            self.proven.clear()
            self.meanings.clear()
            self.heads.clear()
            self.attended = Attended()
            self.kept.get("overwritten", {}).clear()
        self.parts = parts


_STATES: "weakref.WeakKeyDictionary[Any, State]" = weakref.WeakKeyDictionary()


def state_of(model: Any) -> State:
    """What is known of that very model, from one call to the next."""
    return _STATES.setdefault(model, State())


class OpenedNetwork(Network):
    """A `Network` over an adapter and an engine. One call at a time: taps patch the model while it
    runs.
    """

    def __init__(
        self,
        adapter: Adapter,
        engine: Engine,
        state: State,
        *,
        image_shape: Sequence[int] | None = None,
        keep_closing: bool = False,
        axes: Axes | None = None,
    ) -> None:
        self._adapter = adapter
        self._engine = engine
        self._state = state
        self._given = tuple(image_shape) if image_shape else None
        self._door = Door(axes, channels_last=adapter.channels_last)
        self._keep_closing = keep_closing
        self._parts: dict[str, object] = {}
        self._views: dict[tuple[int, ...], View] = Recent()
        self._seen_first: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        """How the model calls itself."""
        return self._adapter.name

    @property
    def declared(self) -> Declared:
        """What the model says of itself; `image_shape` counts as said."""
        own = self._adapter.declared
        return replace(own, input_shape=self._image_shape) if self._image_shape else own

    @property
    def _image_shape(self) -> tuple[int, ...] | None:
        """(c, *image) of what was given: in the axes that were said; else with channels first,
        as it is documented, or in those that the network was seen to read.
        """
        first = self.channels_last and not self._door.said
        return None if self._given is None else self._at_the_door(self._given, first=first).shape

    def axes_of(self, shape: Sequence[int]) -> Axes:
        """As said, as the network was seen to read them, or as its framework has them."""
        return self._at_the_door(tuple(shape)).axes

    @property
    def axes_said(self) -> bool:
        """Whether a user named the axes of its input."""
        return self._door.said

    def understood(self, shape: Sequence[int]) -> Axes | None:
        """As `axes_of`, if they were said, or the network was seen to read them so."""
        try:
            own = self._at_the_door(tuple(shape))
        except BadArray:
            return None
        return own.axes if own.certain else None

    def channels_first(self, native: np.ndarray) -> np.ndarray:
        """(n, c, *image) of inputs in the network's own axes, or of such as are so already."""
        own = self._at_the_door(native.shape[1:])
        return native if own.first else own.axes.channels_first(native)

    def _at_the_door(self, shape: tuple[int, ...], *, first: bool = False) -> Settled:
        """What is what of inputs of that shape; from then on the model gets them in its axes."""
        with self._state.lock:
            own = self._door.settled(self._look, shape, self._state.axes, first=first)
            if self._door.turns and self._adapter.axes != own.axes:
                self._adapter = self._adapter.turned(own.axes)
            return own

    def _look(self, shape: tuple[int, ...]) -> Consumed:
        plain = self._of([0])
        return self._engine.consumed(plain if plain.axes is None else plain.turned(None), shape)

    @property
    def channels_last(self) -> bool:
        """Whether the model's own input has its channels last."""
        return self._adapter.channels_last

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(c, *image) that the layers are listed for: as given, as declared, as seen first, else
        3 x 224 x 224.
        """
        return self._image_shape or self.declared.input_shape or self._seen_first or (3, 224, 224)

    def name_of(self, part: object) -> str | None:
        """The path of a module or layer of the model."""
        return next((path for path, own in self._adapter.parts().items() if own is part), None)

    def holding(self, held: Mapping[str | int, object]) -> Network:
        """The same network with other values for what it takes beside the picture."""
        other = copy.copy(self)
        other._adapter, other._views = self._adapter.taking(held), Recent()  # noqa: SLF001 - of its own kind
        return other

    def of(self, rows: Sequence[int]) -> Network:
        """The same network for these of the pictures."""
        if self._adapter.held.images == 1:
            return self
        other = copy.copy(self)
        other._adapter = self._of(rows)  # noqa: SLF001 - of its own kind
        return other

    def check_held(self, images: int) -> None:
        """Whether what is held has one row for all of so many pictures, or one for each."""
        self._adapter.held.check(images)

    def _of(self, rows: Sequence[int]) -> Adapter:
        """The model with what is held for these of the pictures."""
        held = self._adapter.held
        return self._adapter if held.images == 1 else self._adapter.holding(held.of(rows))

    @property
    def closing(self) -> Closing | None:
        """The closing function that the model has of its own, at whatever size it was seen."""
        known = next(iter(self._views.values()), None)
        return (known or self._view(self.image_shape)).closing

    @property
    def layers(self) -> Mapping[str, Layer]:
        """Every layer in order of execution, for inputs of `image_shape`.

        Raises
        ------
        ModelError
            If nobody said the shape, and the model fails on the one that was guessed.
        """
        try:
            return self.survey(self.image_shape).layers
        except Exception as problem:
            known = isinstance(problem, XaiHeatmapError) and not isinstance(problem, BadArray)
            if known or self._image_shape is not None or self._views:
                raise
            guess = "x".join(map(str, self.image_shape))
            raise ModelError(
                f"{self.name} failed on a picture of {guess}, which was a guess: {problem}. "
                "Say what it takes: xai_heatmap.network(model, image_shape=(c, H, W))."
            ) from problem

    def survey(self, shape: Sequence[int]) -> Survey:
        """What the network is like for inputs of `shape` (c, *image); one pass, then
        remembered.
        """
        return self._view(tuple(shape)).survey

    def record(self, x: Inputs, at: Layers = (), *, biases: bool = False) -> Recording:
        """One forward pass, opened at the layers named.

        Raises
        ------
        UnknownLayer, NoGrid, LayerNotReached
            For a name that can't be opened; the first two before the pass.
        NonFiniteScores
            If the network answers NaN or infinity.
        """
        check_input(x)
        self._adapter.held.check(len(x))
        with self._state.lock:
            view = self._view(x.shape[1:])
            names = _opened_at(view.survey, at)
            native = np.moveaxis(x, 1, -1) if self.channels_last else x
            opened = {name: view.sites[name] for name in names}
            recorded = self._engine.record(self._adapter, native, opened, view.undo, biases=biases)
            self._check_rows(recorded.scores)
            if not self._closes(view, recorded.scores):
                del self._views[x.shape[1:]]
                return self.record(x, at, biases=biases)
            if silent := [name for name in names if name not in recorded.outputs]:
                raise LayerNotReached(
                    f"Layer {silent[0]!r} did not run for this input, so there is nothing to "
                    f"explain there. "
                    "`xai-heatmap layers MODEL` lists those that do.",
                    layer=silent[0],
                )
            answered = {
                name: len(recorded.outputs[name]) // layout_of(view.survey, name).rows
                for name in names
            }
            if some := [name for name, number in answered.items() if number != len(x)]:
                raise LayerNotReached(
                    f"Layer {some[0]!r} answered for {answered[some[0]]} of {len(x)} pictures: "
                    "which of them go through it depends on their values, so there is no map of "
                    "each. Choose a layer before it.",
                    layer=some[0],
                )
            adapter, undo = self._adapter, view.undo
            return self._read(
                recorded,
                view,
                lambda name, row: self._head(recorded, view, native, name, row),
                Apart(
                    self.name,
                    lambda: self._attend(adapter, native, undo),
                    partial(self._attended, adapter, native),
                    lambda: self._engine.balance(adapter, native, opened, undo),
                    lambda name, row: self._between(recorded, view, native, name, row),
                ),
            )

    def _attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """What attends to the pictures and reaches the scores."""

        def noise(seed: int) -> Recorded:
            drawn = np.random.default_rng(seed).normal(size=x.shape)
            return self._engine.attend(adapter, drawn.astype(np.float32), undo)

        seen = self._engine.attend(adapter, x, undo)
        return self._state.attended.only(self._attending(adapter, x), seen, noise)

    def _attended(
        self, adapter: Adapter, x: Native, seen: Recorded, cotangent: Scores, native: Native
    ) -> list[Block]:
        key, name = self._attending(adapter, x), self.name
        return self._state.attended.blocks(key, seen, cotangent, native, images=len(x), name=name)

    def _attending(self, adapter: Adapter, x: Native) -> Hashable:
        return x.shape[1:], adapter.output, adapter.held.key

    def _view(self, shape: tuple[int, ...]) -> View:
        """The network for inputs of `shape`; surveyed again where parts were taken out or put
        in.
        """
        with self._state.lock:
            self._at_the_door(shape, first=True)
            parts = self._adapter.parts()
            if parts != self._parts:
                self._parts = dict(parts)
                self._views.clear()
                self._state.know([*map(id, parts.values())])
            if shape not in self._views:
                self._views[shape] = self._viewed(shape, parts)
                self._seen_first = self._seen_first or shape
            return self._views[shape]

    def _viewed(self, shape: tuple[int, ...], parts: Mapping[str, object]) -> View:
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
        view = View(survey, sites, closing, undo, seen.boxes)
        if seen.answers is not None and seen.boxes is None and undo == Undo():
            key = self._meaning_key(view)
            if key not in self._state.meanings:
                own = meaning_in(seen.answers, ROW, keep_closing=self._keep_closing)
                self._state.meanings[key] = own
        return view

    def _seen(self, shape: tuple[int, ...]) -> Sightings:
        adapter = self._of([0])

        def look(tried: tuple[int, ...]) -> Sightings:
            return self._engine.survey(adapter, self._pictures(tried))

        try:
            seen = fitted(
                look,
                shape,
                alone=lambda: self._engine.survey(adapter, self._noise(shape)[:1]),
                usual=self.declared.input_shape or shape,
                name=self.name,
                channels_last=self.channels_last,
            )
        except XaiHeatmapError:
            raise
        except Exception as problem:
            if out_of_memory(problem):
                raise
            if not self._adapter.held:
                raise ModelError(self._failed(shape, problem)) from problem
            raise ModelError(
                f"{self.name} failed on a picture of {'x'.join(map(str, shape))} with "
                f"{self._adapter.held} beside it: {first_line(problem)}. What is held has to have "
                "the shape and type that the model takes, behind a first axis that counts pictures."
            ) from problem
        return replace(seen, boxes=adapter.boxes)

    def _failed(self, shape: tuple[int, ...], problem: Exception) -> str:
        """What the model said where it was tried, and what it may have missed."""
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
        self, seen: Sightings, shape: tuple[int, ...], parts: Mapping[str, object]
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
        seen: Sightings,
        shape: tuple[int, ...],
        parts: Mapping[str, object],
        queries: int | None,
    ) -> tuple[Sightings, dict[str, Layer]]:
        """The layers, by what moves in them: all where any is read by a guess, else the first and
        the last of each grid.
        """
        read = partial(
            layers_in,
            shape=shape,
            channels_last=self.channels_last,
            queries=queries,
            folds=self._folds(seen, shape, parts),
        )
        layers, guessed = read(seen)
        if seen.moves is not None or len(shape) < 3:
            return seen, layers
        sites = sites_in(seen, parts)
        if not guessed and not seen.shifting:
            return seen, layers
        if not guessed:
            looked = self._moved(seen, shape, sites, ends_of_grids(layers))
            if not any(own.without == DISPLACED for own in read(looked)[0].values()):
                return seen, layers
        placed = [name for name in sites if layers[name].places > 1]
        seen = self._moved(seen, shape, sites, placed)
        return seen, read(seen)[0]

    def _moved(
        self,
        seen: Sightings,
        shape: tuple[int, ...],
        sites: Mapping[str, Site],
        names: Sequence[str],
    ) -> Sightings:
        """What was seen, and what the second of two pictures changed in the layers named."""
        if not names:
            return seen
        calls, asked = called(seen), {name: sites[name] for name in names}
        answers = self._engine.answers(self._of([0]), self._pictures(shape), asked)
        found = {
            (calls[name].path, calls[name].call): moves(output, shape[1:])
            for name, output in answers.items()
        }
        return replace(seen, moves={call: own for call, own in found.items() if own})

    def _queries(self, seen: Sightings, shape: tuple[int, ...]) -> int | None:
        """How many boxes a detector answers; None of any other network."""
        if seen.boxes is None or 0 in seen.scores[1:]:
            return None
        return self._boxes_reading(seen.scores, seen.boxes, shape[1:]).form.places

    def _pictures(self, shape: tuple[int, ...]) -> Native:
        """Two pictures that show where the places of a layer lie."""
        x = pictures(shape)
        return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if self.channels_last else x

    def _noise(self, shape: tuple[int, ...]) -> Native:
        """Pictures to look at a network with; they don't touch any random state."""
        x = np.random.default_rng(0).normal(size=(IMAGES_IN_A_SURVEY, *shape)).astype(np.float32)
        return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if self.channels_last else x

    def _alive(
        self,
        names: Sequence[str],
        layers: Mapping[str, Layer],
        seen: Sightings,
        parts: Mapping[str, object],
    ) -> set[str]:
        """Of the layers named, those whose places carry gradient of the likeliest class."""
        noise = self._noise(layers[INPUT].shape)

        def seed(scores: Native) -> Native:
            return self._likeliest(scores, seen, noise.shape)

        gradients = self._gradients(names, layers, seen, parts, seed)
        return {name for name, own in gradients.items() if np.any(own)}

    def _apart(
        self,
        names: Sequence[str],
        layers: Mapping[str, Layer],
        seen: Sightings,
        parts: Mapping[str, object],
    ) -> set[str]:
        """Of the layers named, those where the scores of two places hang on different features."""

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
        seen: Sightings,
        parts: Mapping[str, object],
        seed: Callable[[Native], Native],
    ) -> dict[str, Activations]:
        """What a cotangent pulls on in each of the layers named, on its grid, for noise."""
        sites = sites_in(seen, parts)
        opened = {name: sites[name] for name in names}
        undo = self._closing(seen, parts)[1]
        noise = self._noise(layers[INPUT].shape)
        recorded = self._engine.record(self._of([0]), noise, opened, undo)
        self._check_rows(recorded.scores)
        pulled = recorded.pullback(seed(recorded.scores))
        layouts = {name: layers[name].layout for name in pulled}
        return {name: own.to_grid(pulled[name]) for name, own in layouts.items() if own is not None}

    def _likeliest(self, scores: Native, seen: Sightings, x: tuple[int, ...]) -> Native:
        """1 at the highest score of every image, where the model answers it."""
        if seen.boxes is None:
            flat = scores.reshape(len(scores), -1)
            best = np.eye(flat.shape[1], dtype=np.float32)[flat.argmax(axis=1)]
            return best.reshape(scores.shape)
        image = x[1:-1] if self.channels_last else x[2:]
        own = self._boxes_reading(scores.shape, seen.boxes, image)
        rows = own.rows(scores)
        classes = own.form.classes(rows.shape[1]) * own.form.places
        best = rows[:, :classes].argmax(axis=1)
        return own.native(np.eye(rows.shape[1], dtype=np.float32)[best])

    def _closing(self, seen: Sightings, parts: Mapping[str, object]) -> tuple[Closing | None, Undo]:
        if seen.boxes is not None:
            return None, Undo()
        closing, undo = seen.closing, Undo(mark=seen.mark)
        times = Counter(call.path for call in seen.calls)
        for path in seen.last:
            own = self._adapter.closing_of(parts[path])
            if own and times[path] == 1 and path not in seen.elsewhere:  # it has to go on there
                closing, undo = own, Undo(part=parts[path])
        return closing, Undo() if self._keep_closing else undo

    def _closes(self, view: View, scores: Native) -> bool:
        """Whether a closing softmax compares classes, and not places, where there are both."""
        if scores.ndim == 2 or view.closing != "softmax" or self._keep_closing:
            return True
        key = self._closing_key(view.survey.layers[INPUT].shape)
        if key not in self._state.proven:
            closed = self._of_noise(view, Undo())
            own = self._reading(view, closed)
            self._state.proven[key] = sum_to_one(own.rows(np.exp(closed)), own.form) or (
                sum_to_one(own.rows(closed), own.form)
            )
        return self._state.proven[key]

    def _check_rows(self, scores: Native) -> None:
        """Whether there are scores of each picture, and not one number for all of them."""
        if np.ndim(scores) == 0:
            raise NoScores(
                f"{self.name} answers one number for a whole batch; one row of scores for each "
                "picture was expected, (images, classes). Let it keep the first axis: "
                "x.mean((1, 2, 3)) instead of x.mean()."
            )

    def _closing_key(self, shape: tuple[int, ...]) -> tuple[Any, ...]:
        return "closing", shape, self._adapter.output, self._beside(self._adapter)

    def _beside(self, adapter: Adapter) -> tuple[object, ...]:
        """What else a pass depends on: what is held, and how the input is turned."""
        return adapter.held.key, adapter.axes

    def _reading(self, view: View, scores: Native) -> Reading | BoxReading:
        if view.boxes is not None:
            image = view.survey.layers[INPUT].shape[1:]
            return self._boxes_reading(scores.shape, view.boxes, image)
        return self._scores_reading(view.survey.layers, scores.shape)

    def _scores_reading(self, layers: Mapping[str, Layer], shape: tuple[int, ...]) -> Reading:
        like = next(
            (
                own.layout
                for own in reversed(list(layers.values()))
                if own.layout is not None and own.name != INPUT and _same(own, shape)
            ),
            None,
        )
        return reading(
            shape,
            image=layers[INPUT].shape[1:],
            channels_last=self.channels_last,
            grids={own.grid for own in layers.values() if own.grid and own.name != INPUT},
            like=like,
        )

    def _scores_places(self, seen: Sightings, layers: Mapping[str, Layer]) -> bool:
        """Whether the network scores every place of a picture."""
        if seen.boxes is not None or len(seen.scores) < 3 or 0 in seen.scores:
            return False
        try:
            form = self._scores_reading(layers, seen.scores).form
        except NoScores:  # is raised with what to do once there are scores
            return False
        return bool(form.grid) and not form.steps

    def _boxes_reading(self, shape: Sequence[int], how: Boxes, image: Sequence[int]) -> BoxReading:
        names = len(self._adapter.declared.labels or ())
        return box_reading(shape, how, image=image, names=names)

    def _read(
        self,
        recorded: Recorded,
        view: View,
        head: Callable[[str, int], Any],
        apart: Apart | None = None,
    ) -> Recording:
        if not np.isfinite(recorded.scores).all():
            raise NonFiniteScores(
                f"{self.name} answered NaN or infinity. Check its weights and the preprocessing; "
                f"half precision "
                "overflows easily: try the model in float32."
            )
        own = self._reading(view, recorded.scores)
        rows = own.rows(recorded.scores)
        if isinstance(own, BoxReading) and apart is not None:
            check_unit(rows, own.form)
        meaning = self._meaning(view, own, rows)
        logarithm = meaning == "log-probabilities" and not isinstance(own, BoxReading)
        known: Meaning = "probabilities" if logarithm else meaning
        read = OpenedRecording(recorded, view.survey, self._state.lock, head, known, own, apart)
        return LogRecording(read) if logarithm else read

    def _meaning(self, view: View, own: Reading | BoxReading, rows: Scores) -> Meaning:
        """What the scores are, as the network answers to noise; asked where a row leaves it open,
        and then remembered, so that no picture depends on those beside it.
        """
        kept = self._keep_closing
        if kept and view.closing is not None:
            return "probabilities"
        if not may_be_probabilities(rows, own.form):
            return "logits"
        key = self._meaning_key(view)
        if key not in self._state.meanings:
            with self._state.lock:
                noisy = own.rows(self._of_noise(view, view.undo))
            self._state.meanings[key] = meaning_in(noisy, own.form, keep_closing=kept)
        return self._state.meanings[key]

    def _meaning_key(self, view: View) -> tuple[Any, ...]:
        shape = view.survey.layers[INPUT].shape
        return "meaning", *self._closing_key(shape), self._keep_closing, view.closing

    def _of_noise(self, view: View, undo: Undo) -> Native:
        """What the model answers to pictures that nobody picked; one forward pass."""
        noise = self._noise(view.survey.layers[INPUT].shape)
        return self._engine.record(self._of([0]), noise, {}, undo).scores

    def _head(
        self, recorded: Recorded, view: View, x: Native, name: str, row: int
    ) -> Callable[[Float32[np.ndarray, "m k *grid"]], Recording]:
        """From other activations of layer `name` to recordings of the head, for one image."""
        one = slice(row, row + 1)
        with self._state.lock:
            head = self._proven_head(self._of([row]), recorded.scores[one], view, x[one], name)
        own_layout = layout_of(view.survey, name)

        def behind(activation: Float32[np.ndarray, "m k *grid"]) -> Recording:
            with self._state.lock:
                replayed = head(own_layout.to_native(activation, like=head.output))
            return self._read(
                replayed, view, lambda again, _: self._head(recorded, view, x, again, row)
            )

        return behind

    def _between(self, recorded: Recorded, view: View, x: Native, name: str, row: int) -> Recorded:
        """The head of one image between what layer `name` said and 0."""
        one = slice(row, row + 1)
        with self._state.lock:
            head = self._proven_head(self._of([row]), recorded.scores[one], view, x[one], name)
            own = layout_of(view.survey, name)
            zero = np.zeros_like(own.to_grid(head.output))
            return head.between(own.to_native(zero, like=head.output))

    def _proven_head(
        self, adapter: Adapter, scores: Native, view: View, x: Native, name: str
    ) -> Head:
        """A head that gave the recorded scores for the recorded activation, else one that makes
        whole passes.

        Raises
        ------
        NoHead
            If neither does.
        """
        proven = self._proof(adapter, scores, view, x, name)
        if proven.refusal:
            last = next(reversed(grids(view.survey)), name)
            works = last != name and not self._proof(adapter, scores, view, x, last).refusal
            behind = f" What lies behind layer {last!r} can be run." if works else ""
            raise NoHead(
                f"{self.name}: what lies behind layer {name!r} can't be run again with other "
                f"values, which the method needs: {proven.refusal}. {WITHOUT_A_HEAD}{behind}"
            )
        head = self._made(adapter, view, x, name, whole=proven.whole, alone=proven.alone)
        if proven.alone and not still_repeats(head, scores):
            raise NoHead(
                f"{self.name}: what lies behind layer {name!r} can't be run again with other "
                f"values, which the method needs: {MIXED}. Explain one picture at a time."
            )
        return head

    def _made(
        self, adapter: Adapter, view: View, x: Native, name: str, *, whole: bool, alone: bool
    ) -> Head:
        head = self._engine.head(adapter, x, name, view.sites[name], view.undo, whole=whole)
        return Alone(head) if alone else head

    def _proof(self, adapter: Adapter, scores: Native, view: View, x: Native, name: str) -> Proof:
        """How a head is to be run; tried once, and said where that is slow."""
        key = name, x.shape[1:], adapter.output, self._beside(adapter)
        if key not in self._state.heads:
            proven = proof(partial(self._made, adapter, view, x, name), scores)
            self._state.heads[key] = proven
            if proven.alone and not proven.refusal:
                warnings.warn(
                    f"{self.name}: {MIXED} behind layer {name!r}, so that values there are run one "
                    f"at a time, which is slower.",
                    stacklevel=2,
                )
            elif proven.whole and not proven.refusal:
                warnings.warn(
                    f"{self.name}: what lies behind layer {name!r} can't be run on its own; whole "
                    f"forward passes are "
                    "made instead, which is slower and gives the same.",
                    stacklevel=2,
                )
        return self._state.heads[key]


def _same(layer: Layer, scores: Sequence[int]) -> bool:
    """Whether a layer with a grid answers as many numbers, in those axes, as the scores have."""
    own = layer.layout
    if own is None or own.kind == "tokens":
        return False
    k, grid = layer.shape[0], layer.shape[1:]
    shape = (k, *grid) if own.kind == "channels_first" else (*grid, k)
    return shape == tuple(scores[1:])


def _opened_at(survey: Survey, at: Layers) -> list[str]:
    """Full names of the layers meant; exact names, as they come from a survey, are not searched."""
    if isinstance(at, str | int):
        return select(survey, at)
    exact = [name for name in at if isinstance(name, str) and name in survey.layers]
    if len(exact) == len(at) and all(survey.layers[name].places > 1 for name in exact):
        return exact
    return select(survey, at)
