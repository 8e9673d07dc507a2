"""A network made of parts that run: what PyTorch and Keras models have in common.

An *adapter* knows a model: its parts, how to call it, how its closing softmax is left out. An
*engine* knows a framework: how values are followed, differentiated and replayed. This module joins
the two into a `Network`.
"""

import threading
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from xai_heatmap.backends.taps import Site
from xai_heatmap.core.arrays import Activations, Inputs, Native, Scores
from xai_heatmap.core.errors import BadArray, LayerNotReached, NoGrid, NonFiniteScores
from xai_heatmap.core.flow import Flow, surveyed
from xai_heatmap.core.layout import Layout, layout
from xai_heatmap.core.network import (
    INPUT,
    Declared,
    Layer,
    LogRecording,
    Meaning,
    Network,
    Recording,
    Survey,
    UseGradients,
)
from xai_heatmap.core.selection import Layers, select

Closing = Literal["softmax", "sigmoid"]
UseNative = Callable[[Sequence[str], Native], None]

SAME_SCORES = 1e-3
"""How far, relative to the largest score, a replayed head may be from the whole pass to be
believed."""

IMAGES_IN_A_SURVEY = 2
"""With one image, an axis of length one could be the images or anything else."""


@dataclass(frozen=True)
class Undo:
    """What has to be left out so that a model ends in its logits: a part's own closing function,
    or a mark that the
    engine made.
    """

    part: object | None = None
    mark: Any = None


@runtime_checkable
class Adapter(Protocol):
    """What a model has to tell so that an engine can run it."""

    name: str
    declared: Declared
    channels_last: bool
    method: str
    output: str | int | None

    def parts(self) -> Mapping[str, object]:
        """Every part by its full path, the model itself left out."""
        ...

    def ready(self) -> AbstractContextManager[object]:
        """A block in which the model infers and is not trained; all is given back after it."""
        ...

    def scores(self, x: Any) -> Any:
        """Call the model on the framework's own tensor; its scores, still differentiable."""
        ...

    def closing_of(self, part: object) -> Closing | None:
        """Which closing function that part applies to what it answers, if any."""
        ...

    def undone(self, part: object | None) -> AbstractContextManager[object]:
        """A block in which that part leaves its closing function out."""
        ...


@dataclass(frozen=True)
class Sighting:
    """One call of one part, as seen once: which, of what class, the shape of its main tensor, its
    node in the flow.
    """

    path: str
    call: int
    kind: str
    shape: tuple[int, ...]
    node: int


@dataclass(frozen=True)
class Sightings:
    """What an engine saw in one pass.

    Parameters
    ----------
    calls
        In order of completion.
    sources, image, output, sums
        The flow, as in `Flow`.
    last
        Paths of the parts whose answer *is* the model's own.
    closing, mark
        A closing function that no part owns, and how the engine leaves it out.
    """

    calls: Sequence[Sighting]
    sources: Mapping[int, Sequence[int]]
    image: int
    output: int
    sums: frozenset[int]
    last: Sequence[str]
    closing: Closing | None = None
    mark: Any = None


@dataclass(frozen=True)
class Recorded:
    """What an engine hands over: numpy arrays in the layers' own layouts, and the way back.

    `stream` is the way back for an engine that need not hold all gradients at a time.
    """

    scores: Scores
    outputs: Mapping[str, Native]
    pullback: Callable[[Scores], Mapping[str, Native]]
    stream: Callable[[Scores, UseNative], None] | None = None


@runtime_checkable
class Head(Protocol):
    """The network behind one layer, for one image."""

    output: Native
    """What the layer says of the image itself: (1, ...)."""

    def __call__(self, output: Native) -> Recorded:
        """Scores for other outputs of the layer, opened at the layer."""
        ...


@runtime_checkable
class Engine(Protocol):
    """Following, differentiating and replaying values in one framework."""

    def survey(self, adapter: Adapter, x: Native) -> Sightings:
        """Watch every part once."""
        ...

    def record(
        self, adapter: Adapter, x: Native, sites: Mapping[str, Site], undo: Undo
    ) -> Recorded:
        """One forward pass, opened at `sites`; sites that never spoke are missing from the
        outputs.
        """
        ...

    def head(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, *, whole: bool
    ) -> Head:
        """What lies behind `site` for the one image `x`; `whole` runs everything and replaces on
        the way.
        """
        ...


@dataclass(frozen=True)
class View:
    """A network for inputs of one shape."""

    survey: Survey
    sites: Mapping[str, Site]
    closing: Closing | None
    undo: Undo


@dataclass
class State:
    """What has been learnt of a model; holds no reference to it, so it is forgotten with the
    model.
    """

    surveys: dict[Any, tuple[Sightings, Survey]] = field(default_factory=dict)
    proven: dict[str, bool] = field(default_factory=dict)
    kept: dict[Any, Any] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


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
    ) -> None:
        self._adapter = adapter
        self._engine = engine
        self._state = state
        self._image_shape = tuple(image_shape) if image_shape else None
        self._keep_closing = keep_closing
        self._parts: dict[str, object] = {}
        self._views: dict[tuple[int, ...], View] = {}

    @property
    def name(self) -> str:
        """How the model calls itself."""
        return self._adapter.name

    @property
    def declared(self) -> Declared:
        """What the model says of itself."""
        return self._adapter.declared

    @property
    def channels_last(self) -> bool:
        """Whether the model's own input has its channels last."""
        return self._adapter.channels_last

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(c, *image) that the layers are listed for: as given, as declared, as seen first, else
        3 x 224 x 224.
        """
        seen = next(iter(self._views), None)
        return self._image_shape or self.declared.input_shape or seen or (3, 224, 224)

    @property
    def closing(self) -> Closing | None:
        """The closing function that the model has of its own, at whatever size it was seen."""
        known = next(iter(self._views.values()), None)
        return (known or self._view(self.image_shape)).closing

    @property
    def layers(self) -> Mapping[str, Layer]:
        """Every layer in order of execution, for inputs of `image_shape`."""
        return self.survey(self.image_shape).layers

    def survey(self, shape: Sequence[int]) -> Survey:
        """What the network is like for inputs of `shape` (c, *image); one pass, then
        remembered.
        """
        return self._view(tuple(shape)).survey

    def record(self, x: Inputs, at: Layers = ()) -> Recording:
        """One forward pass, opened at the layers named.

        Raises
        ------
        UnknownLayer, NoGrid, LayerNotReached
            For a name that can't be opened; the first two before the pass.
        NonFiniteScores
            If the network answers NaN or infinity.
        """
        _check_input(x)
        with self._state.lock:
            view = self._view(x.shape[1:])
            names = _opened_at(view.survey, at)
            native = np.moveaxis(x, 1, -1) if self.channels_last else x
            opened = {name: view.sites[name] for name in names}
            recorded = self._engine.record(self._adapter, native, opened, view.undo)
            if silent := [name for name in names if name not in recorded.outputs]:
                raise LayerNotReached(
                    f"Layer {silent[0]!r} did not run for this input, so there is nothing to "
                    f"explain there. "
                    "`xai-heatmap layers MODEL` lists those that do."
                )
            return self._read(
                recorded, view, lambda name, row: self._head(recorded, view, native, name, row)
            )

    def _view(self, shape: tuple[int, ...]) -> View:
        """The network for inputs of `shape`; surveyed again where parts were taken out or put
        in.
        """
        with self._state.lock:
            parts = self._adapter.parts()
            if parts != self._parts:
                self._parts = dict(parts)
                self._views.clear()
            if shape not in self._views:
                self._views[shape] = self._viewed(shape, parts)
            return self._views[shape]

    def _viewed(self, shape: tuple[int, ...], parts: Mapping[str, object]) -> View:
        key = shape, self._adapter.output, *parts
        if key not in self._state.surveys:
            seen = self._seen(shape)
            layers = _layers(seen, shape, channels_last=self.channels_last)

            def alive(names: Sequence[str]) -> set[str]:
                return self._alive(names, layers, seen, parts)

            self._state.surveys[key] = seen, surveyed(layers, _flow(seen), alive)
        seen, survey = self._state.surveys[key]
        closing, undo = self._closing(seen, parts)
        sites = {INPUT: Site(None, 0)} | _sites(seen, parts)
        return View(survey, {INPUT: Site(None, 0)} | sites, closing, undo)

    def _seen(self, shape: tuple[int, ...]) -> Sightings:
        return self._engine.survey(self._adapter, self._noise(shape))

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
        sites = _sites(seen, parts)
        opened = {name: sites[name] for name in names}
        undo = self._closing(seen, parts)[1]
        noise = self._noise(layers[INPUT].shape)
        recorded = self._engine.record(self._adapter, noise, opened, undo)
        scores = recorded.scores
        best = np.eye(scores.shape[1], dtype=np.float32)[scores.argmax(axis=1)]
        gradients = recorded.pullback(best)
        layouts = {name: layers[name].layout for name in gradients}
        return {
            name
            for name, own in layouts.items()
            if own is not None and np.any(own.to_grid(gradients[name]))
        }

    def _closing(self, seen: Sightings, parts: Mapping[str, object]) -> tuple[Closing | None, Undo]:
        closing, undo = seen.closing, Undo(mark=seen.mark)
        for path in seen.last:
            if own := self._adapter.closing_of(parts[path]):
                closing, undo = own, Undo(part=parts[path])
        return closing, Undo() if self._keep_closing else undo

    def _read(self, recorded: Recorded, view: View, head: Callable[[str, int], Any]) -> Recording:
        if not np.isfinite(recorded.scores).all():
            raise NonFiniteScores(
                f"{self.name} answered NaN or infinity. Check its weights and the preprocessing; "
                f"half precision "
                "overflows easily: try the model in float32."
            )
        if self._keep_closing and view.closing:
            return OpenedRecording(recorded, view.survey, self._state.lock, head, "probabilities")
        if _sum_to_one(recorded.scores):
            return LogRecording(
                OpenedRecording(recorded, view.survey, self._state.lock, head, "probabilities")
            )
        return OpenedRecording(recorded, view.survey, self._state.lock, head, "logits")

    def _head(
        self, recorded: Recorded, view: View, x: Native, name: str, row: int
    ) -> Callable[[Float32[np.ndarray, "m k *grid"]], Recording]:
        """From other activations of layer `name` to recordings of the head, for one image."""
        with self._state.lock:
            head = self._proven_head(recorded.scores[row : row + 1], view, x[row : row + 1], name)
        own_layout = _layout(view.survey, name)

        def behind(activation: Float32[np.ndarray, "m k *grid"]) -> Recording:
            with self._state.lock:
                replayed = head(own_layout.to_native(activation, like=head.output))
            return self._read(
                replayed, view, lambda again, _: self._head(recorded, view, x, again, row)
            )

        return behind

    def _proven_head(self, scores: Scores, view: View, x: Native, name: str) -> Head:
        """A head that gave the recorded scores for the recorded activation, else one that makes
        whole passes.
        """

        def made(*, whole: bool) -> Head:
            return self._engine.head(
                self._adapter, x, name, view.sites[name], view.undo, whole=whole
            )

        if name not in self._state.proven:
            try:
                head = made(whole=False)
                twice = np.repeat(head.output, 2, axis=0)  # as one, a fold into the images passes
                self._state.proven[name] = _equal(head(twice).scores, np.repeat(scores, 2, axis=0))
            except Exception:  # noqa: BLE001 - whatever a model raises when it is cut, a whole pass can't
                self._state.proven[name] = False
            if not self._state.proven[name]:
                warnings.warn(
                    f"{self.name}: what lies behind layer {name!r} can't be run on its own; whole "
                    f"forward passes are "
                    "made instead, which is slower and gives the same.",
                    stacklevel=2,
                )
        return made(whole=not self._state.proven[name])


class OpenedRecording(Recording):
    """What one forward pass through an opened network left behind."""

    def __init__(
        self,
        recorded: Recorded,
        survey: Survey,
        lock: threading.RLock,
        head: Callable[[str, int], Callable[[Activations], Recording]],
        meaning: Meaning,
    ) -> None:
        self._recorded = recorded
        self._layouts = {name: _layout(survey, name) for name in recorded.outputs}
        self._lock = lock
        self._head = head
        self._heads: dict[tuple[str, int], Callable[[Activations], Recording]] = {}
        self._meaning: Meaning = meaning
        self._activations: Mapping[str, Activations] = self._to_grids(recorded.outputs)

    @property
    def scores(self) -> Scores:
        """One row an image."""
        return self._recorded.scores

    @property
    def meaning(self) -> Meaning:
        """What the scores are."""
        return self._meaning

    @property
    def activations(self) -> Mapping[str, Activations]:
        """Of every layer that was opened."""
        return self._activations

    def pullback(
        self, cotangent: Float32[np.ndarray, "n classes"]
    ) -> Mapping[str, Float32[np.ndarray, "n k *grid"]]:
        """∂⟨cotangent, scores⟩/∂A of every layer that was opened, in one backward pass."""
        with self._lock:
            return self._to_grids(self._recorded.pullback(cotangent))

    def each_gradient(self, cotangent: Float32[np.ndarray, "n classes"], use: UseGradients) -> None:
        """Every gradient of `pullback` given to `use` as soon as it is known, and not kept."""
        with self._lock:
            if self._recorded.stream is not None:
                self._recorded.stream(
                    cotangent,
                    lambda names, native: use(names, self._layouts[names[0]].to_grid(native)),
                )
                return
            gradients = self._recorded.pullback(cotangent)
            for names in _sharing(self._recorded.outputs):
                use(names, self._layouts[names[0]].to_grid(gradients[names[0]]))

    def replay(
        self, layer: str, activation: Float32[np.ndarray, "m k *grid"], *, row: int
    ) -> Recording:
        """Run only the head: image `row` from `layer` on, with other activations in its place."""
        if (layer, row) not in self._heads:
            self._heads[layer, row] = self._head(layer, row)
        return self._heads[layer, row](activation)

    def _to_grids(self, outputs: Mapping[str, Native]) -> dict[str, Activations]:
        """Each output on its grid; layers that gave the same array share one answer."""
        shared = {
            name: self._layouts[names[0]].to_grid(outputs[names[0]])
            for names in _sharing(self._recorded.outputs)
            for name in names[:1]
        }
        owner = {name: names[0] for names in _sharing(self._recorded.outputs) for name in names}
        return {name: shared[owner[name]] for name in outputs}


def _sharing(outputs: Mapping[str, Native]) -> list[list[str]]:
    """Names of layers, those together that gave one and the same array."""
    found: dict[int, list[str]] = {}
    for name, output in outputs.items():
        found.setdefault(id(output), []).append(name)
    return list(found.values())


def _named(seen: Sightings) -> dict[str, Sighting]:
    """Every call under its public name, in order of completion."""
    times = Counter(call.path for call in seen.calls)
    return {
        call.path if times[call.path] == 1 else f"{call.path}#{call.call + 1}": call
        for call in seen.calls
    }


def _sites(seen: Sightings, parts: Mapping[str, object]) -> dict[str, Site]:
    return {name: Site(parts[call.path], call.call) for name, call in _named(seen).items()}


def _layers(seen: Sightings, shape: tuple[int, ...], *, channels_last: bool) -> dict[str, Layer]:
    image = shape[1:]
    layers = {
        INPUT: Layer(INPUT, shape, "Input", _input_layout(shape, channels_last=channels_last))
    }
    grids: list[tuple[int, ...]] = []
    for name, call in _named(seen).items():
        own = layout(
            call.shape,
            images=IMAGES_IN_A_SURVEY,
            image=image,
            channels_last=channels_last,
            grids=tuple(grids),
        )
        layers[name] = Layer(name, _shape(call.shape, own), call.kind, own)
        if own and own.kind != "tokens" and own.grid not in grids:
            grids.append(own.grid)
    return layers


def _input_layout(shape: tuple[int, ...], *, channels_last: bool) -> Layout:
    return Layout("channels_last" if channels_last else "channels_first", shape[1:])


def _shape(native: tuple[int, ...], own: Layout | None) -> tuple[int, ...]:
    if own is None:
        return native[1:]
    return (native[1] if own.kind == "channels_first" else native[-1], *own.grid)


def _flow(seen: Sightings) -> Flow:
    sites = {name: call.node for name, call in _named(seen).items()}
    return Flow(seen.sources, seen.image, seen.output, sites, seen.sums)


def _layout(survey: Survey, name: str) -> Layout:
    own = survey.layers[name].layout
    if own is None:
        raise NoGrid(f"Layer {name!r} has no grid to draw a map on.")
    return own


def _opened_at(survey: Survey, at: Layers) -> list[str]:
    """Full names of the layers meant; exact names, as they come from a survey, are not searched."""
    if isinstance(at, str | int):
        return select(survey, at)
    exact = [name for name in at if isinstance(name, str) and name in survey.layers]
    if len(exact) == len(at) and all(survey.layers[name].places > 1 for name in exact):
        return exact
    return select(survey, at)


def _sum_to_one(scores: Scores) -> bool:
    """Whether every row reads as probabilities of classes that exclude each other."""
    return (
        scores.shape[1] > 1
        and bool((scores >= 0).all())
        and bool(np.allclose(scores.sum(axis=1), 1, atol=1e-3))
    )


def _equal(again: Scores, scores: Scores) -> bool:
    scale = max(1.0, float(np.abs(scores).max(initial=0)))
    return again.shape == scores.shape and bool(
        np.abs(again - scores).max(initial=0) <= SAME_SCORES * scale
    )


def _check_input(x: Inputs) -> None:
    if x.ndim < 3 or x.dtype != np.float32 or 0 in x.shape:
        raise BadArray(
            f"A network takes float32 images of shape (n, c, H, W); received {x.dtype} of shape "
            f"{x.shape}. "
            "`xai_heatmap.explain` reads pictures and prepares them."
        )
    if not np.isfinite(x).all():
        raise BadArray("The input holds NaN or infinite pixels; replace them before explaining.")
