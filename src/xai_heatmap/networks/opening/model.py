"""A model and its engine: axes of its input, held inputs, and pictures to try the model with."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Inputs, Native
from xai_heatmap.core.axes import Axes
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.network import Declared, Network
from xai_heatmap.core.redrawing import Draw
from xai_heatmap.core.wing import wing
from xai_heatmap.networks.opening.axes_found import Consumed, Door, Settled
from xai_heatmap.networks.opening.drawing import AT_RANDOM, DRAWS
from xai_heatmap.networks.opening.held import Name
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, Adapter, Engine
from xai_heatmap.networks.opening.layout_probe import pictures
from xai_heatmap.networks.opening.model_cache import ModelCache, ShapePlan
from xai_heatmap.networks.opening.one_by_one import OneByOne
from xai_heatmap.networks.opening.outputs import TOLD
from xai_heatmap.networks.opening.recent import SIZES, Recent


class OpenedModel(Network):
    """A `Network` over an adapter and an engine, with the axes of the input settled."""

    def __init__(
        self,
        adapter: Adapter,
        engine: Engine,
        state: ModelCache,
        *,
        image_shape: Sequence[int] | None = None,
        keep_closing: bool = False,
        axes: Axes | None = None,
    ) -> None:
        self._adapter = adapter
        self._own_engine = engine
        self._state = state
        self._given = tuple(image_shape) if image_shape else None
        self._given_shape: tuple[bool, tuple[int, ...]] | None = None
        self._door = Door(axes, channels_last=adapter.channels_last)
        self._keep_closing = keep_closing
        self._parts: Mapping[str, object] = {}
        self._views: dict[tuple[int, ...], ShapePlan] = Recent()
        self._seen_first: tuple[int, ...] | None = None
        self._behind: tuple[str, ...] = ()
        self._programs: dict[Any, Any] = Recent(4 * SIZES)
        self._questions: dict[Any, Any] = Recent(4 * SIZES)
        self._declared: tuple[Declared, tuple[object, object, bool], Declared] | None = None

    @property
    def _engine(self) -> Engine:
        """The framework's engine; of a network that takes one picture at a time, given so."""
        return OneByOne(self._own_engine) if self._state.one_by_one else self._own_engine

    @property
    def framework(self) -> str:
        """Name of the framework whose engine opens the model."""
        return wing(type(self._own_engine))

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._adapter.name

    @property
    def declared(self) -> Declared:
        """Declarations of the model, with `image_shape` as the input shape where given."""
        own = self._adapter.declared
        shape = self._image_shape or own.input_shape
        kept = self._state.kept
        told = kept.get(TOLD) if self._adapter.output is None else None
        draws = len(kept.get(DRAWS, ())) > 1
        if own.input_shape == shape and told is None and not draws:
            return own
        known, key = self._declared, (shape, told, draws)
        if known is None or known[0] is not own or known[1] != key:
            changes = (*own.changes, *filter(None, [told, AT_RANDOM if draws else None]))
            self._declared = known = own, key, replace(own, input_shape=shape, changes=changes)
        return known[2]

    @property
    def _image_shape(self) -> tuple[int, ...] | None:
        """Given image shape as (c, *image): read in the named axes, else channels first, as
        documented, or in the axes that the network showed.
        """
        if self._given is None:
            return None
        known = self._given_shape
        if known is None or known[0] != self._door.certain:  # else it would be read as before
            first = self.channels_last and not self._door.said
            shape = self._at_the_door(self._given, first=first).shape
            known = self._given_shape = self._door.certain, shape
        return known[1]

    def axes_of(self, shape: Sequence[int]) -> Axes:
        """Axes of inputs of `shape`: as named, as seen, or by the framework's convention."""
        return self._at_the_door(tuple(shape)).axes

    @property
    def axes_said(self) -> bool:
        """Whether a user named the axes of the input."""
        return self._door.said

    def understood(self, shape: Sequence[int]) -> Axes | None:
        """Axes as by `axes_of`, if named by the user or shown by the network; else None."""
        try:
            own = self._at_the_door(tuple(shape))
        except BadArray:
            return None
        return own.axes if own.certain else None

    def channels_first(self, native: np.ndarray) -> np.ndarray:
        """Turn inputs from the network's own axes to (n, c, *image)."""
        own = self._at_the_door(native.shape[1:])
        return native if own.first else own.axes.channels_first(native)

    def _at_the_door(self, shape: tuple[int, ...], *, first: bool = False) -> Settled:
        """Find the axes of inputs of `shape`, and turn the adapter to these axes."""
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
        """Whether the channels are the last axis of the model's own input."""
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
        """Copy of the network with the values `held` for its held inputs."""
        other = copy.copy(self)
        other._adapter, other._views = self._adapter.taking(held), Recent()  # noqa: SLF001 - of its own kind
        other._questions = Recent(4 * SIZES)  # noqa: SLF001 - of its own kind
        return other

    def of(self, rows: Sequence[int]) -> Network:
        """Copy of the network with the held inputs of the pictures `rows`."""
        if self._adapter.held.images == 1:
            return self
        other = copy.copy(self)
        other._adapter = self._of(rows)  # noqa: SLF001 - of its own kind
        return other

    def redrawn(self, draw: Draw) -> Network:
        """Network of a copy of the model with other weights; nothing that is known of the model
        itself is taken over.
        """
        making = getattr(self._adapter, "redrawn", None)
        if making is None:
            return super().redrawn(draw)
        other = copy.copy(self)
        other._adapter, other._own_engine, other._state = making(draw)  # noqa: SLF001 - of its own kind
        other._views, other._parts = Recent(), {}  # noqa: SLF001 - of its own kind
        return other

    def own_call(self, x: Inputs) -> np.ndarray | None:
        """Answer of the model's own call, with no layer opened and no final activation undone."""
        calling = getattr(self._adapter, "own_call", None)
        if calling is None:
            return None
        self._at_the_door(x.shape[1:])
        return calling(np.moveaxis(x, 1, -1) if self.channels_last else x)

    def for_heads(self, layers: Sequence[str]) -> Network:
        """Copy of the network whose recordings of one picture keep memories for `layers`."""
        if not layers and not self._behind:
            return self
        other = copy.copy(self)
        other._behind = tuple(layers)  # noqa: SLF001 - of its own kind
        return other

    @property
    def held_names(self) -> tuple[Name, ...]:
        """Names of the held inputs."""
        return self._adapter.held.names

    def check_held(self, images: int) -> None:
        """Check that the held inputs have one row for all pictures, or one for each."""
        self._adapter.held.check(images)

    def _of(self, rows: Sequence[int]) -> Adapter:
        """Adapter with the held inputs of the pictures `rows`."""
        held = self._adapter.held
        return self._adapter if held.images == 1 else self._adapter.holding(held.of(rows))

    def _pictures(self, shape: tuple[int, ...]) -> Native:
        """Two pictures that show where the places of a layer lie."""
        x = pictures(shape)
        return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if self.channels_last else x

    def _noise(self, shape: tuple[int, ...], images: int = IMAGES_IN_A_SURVEY) -> Native:
        """Pictures of noise, drawn without any global random state."""
        x = np.random.default_rng(0).normal(size=(images, *shape)).astype(np.float32)
        return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if self.channels_last else x

    def _beside(self, adapter: Adapter) -> tuple[object, ...]:
        """Cache key of a pass beside the picture: held inputs and axes of the input."""
        return adapter.held.key, adapter.axes
