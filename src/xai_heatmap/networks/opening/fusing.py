"""Fused programs of an opened network: when they are asked for, and what they are read as."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast, runtime_checkable

import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.errors import LayerNotReached, NoRule
from xai_heatmap.core.fused import Seeds
from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.core.network import INPUT
from xai_heatmap.networks.loading.loaded import first_line
from xai_heatmap.networks.opening.interfaces import Adapter, Undo
from xai_heatmap.networks.opening.model_cache import ModelCache, ShapePlan
from xai_heatmap.networks.opening.taps import Site

T = TypeVar("T")

Key = tuple[str, str]
"""A layer and the formula of a map."""

READ = ("channels_first", "channels_last", "tokens")
"""Kinds of layouts that programs read."""


@dataclass(frozen=True)
class Mapped:
    """A map that a program is asked for: at which site, how that is read, by which formula."""

    site: Site
    layout: Layout
    formula: str


@dataclass(frozen=True)
class Ran:
    """Result of a program: scores and ∂y/∂scores, as the model has them, and maps.

    Parameters
    ----------
    scores, cotangent
        Of every image.
    maps
        In the order in which they were asked for, (n, *grid).
    strongest
        Of each of them its strongest place (n,), with gradient and activation (n, k) there, where
        asked for.
    """

    scores: Native
    cotangent: Native
    maps: Sequence[np.ndarray]
    strongest: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]] = ()


@dataclass(frozen=True)
class MappedPass:
    """A forward pass whose way back ends in maps.

    Parameters
    ----------
    scores
        Of every image.
    pull
        From ∂y/∂scores to a result, None where a map has another shape than was asked for; each
        call runs backwards once.
    """

    scores: Native
    pull: Callable[[Native], Ran | None]


def unique(maps: Sequence[Mapped]) -> tuple[dict[str, Site], list[str]]:
    """Sites of maps, each once under a name, and the name of each map's own."""
    places = {(id(own.site.part), own.site.call): own.site for own in maps}
    names = {key: f"{number}" for number, key in enumerate(places)}
    every = [names[id(own.site.part), own.site.call] for own in maps]
    return {names[key]: site for key, site in places.items()}, every


def told_apart(maps: Sequence[Mapped]) -> Hashable:
    """What a program that is kept is told by: its layers, their layouts and formulas."""
    return tuple((id(own.site.part), own.site.call, own.layout, own.formula) for own in maps)


@runtime_checkable
class Fusing(Protocol):
    """An engine that computes maps in the same program as the scores."""

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
        """Scores and maps of one forward and one backward pass; None where passes of their own cost
        less.

        Raises
        ------
        Exception
            Of any kind, if the model can't be brought into such a program.
        """
        ...


@runtime_checkable
class PullingMaps(Protocol):
    """An engine whose way back ends in maps, for several targets of one forward pass."""

    def mapping(
        self, adapter: Adapter, x: Native, maps: Sequence[Mapped], undo: Undo, *, judged: bool
    ) -> MappedPass:
        """One forward pass.

        Raises
        ------
        Exception
            Of any kind, if the model can't be brought into such a program.
        """
        ...


def fusing(engine: object) -> Fusing | None:
    """The engine, where it has fused programs; found by its attribute, as every call asks."""
    return cast("Fusing", engine) if hasattr(engine, "fused") else None


def pulling(engine: object) -> PullingMaps | None:
    """The engine, where its way back ends in maps."""
    return cast("PullingMaps", engine) if hasattr(engine, "mapping") else None


@dataclass
class Program:
    """Maps that are asked for together, of inputs of one shape, and whether they can be had.

    Parameters
    ----------
    view
        The network for inputs of that shape.
    maps
        As an engine is asked for them; None where a layer is read in a way that no program knows,
        or the engine has failed.
    """

    view: ShapePlan
    maps: tuple[Mapped, ...] | None

    def run(
        self,
        engine: Fusing | None,
        state: ModelCache,
        adapter: Adapter,
        x: Native,
        seeds: Seeds,
        *,
        judged: bool,
    ) -> Ran | None:
        """Result of the program; None where there can be none, which a note says once."""
        if self.maps is None or engine is None:
            return None
        own = adapter, x, self.maps, self.view.undo
        found = self._tried(state, lambda: engine.fused(*own, seeds, judged=judged))
        return found if found is not None and self._fits(found, len(x)) else None

    def passed(
        self,
        engine: PullingMaps | None,
        state: ModelCache,
        adapter: Adapter,
        x: Native,
        *,
        judged: bool,
    ) -> MappedPass | None:
        """A pass whose way back ends in the maps; None where there can be none, as for `run`."""
        if self.maps is None or engine is None:
            return None
        own = adapter, x, self.maps, self.view.undo
        found = self._tried(state, lambda: engine.mapping(*own, judged=judged))

        if found is None:
            return None

        def pull(cotangent: Native) -> Ran | None:
            made = found.pull(cotangent)
            return made if made is not None and self._fits(made, len(x)) else None

        return MappedPass(found.scores, pull)

    def _tried(self, state: ModelCache, run: Callable[[], T | None]) -> T | None:
        try:
            return run()
        except Exception as problem:
            if out_of_memory(problem):
                raise
            self.maps = None  # is not tried again
            if not isinstance(problem, NoRule | LayerNotReached):  # is raised by the passes
                _note(state, problem)
            return None

    def _fits(self, found: Ran, images: int) -> bool:
        maps = zip(self.maps or (), found.maps, strict=True)
        if all(map_.shape == (images, *own.layout.grid) for own, map_ in maps):
            return True
        self.maps = None
        return False


def program(view: ShapePlan, keys: Sequence[Key]) -> Program:
    """The maps named by layers and formulas, as a program."""
    asked = list[Mapped]()
    for layer, formula in keys:
        own = view.survey.layers[layer].layout
        if own is None or layer == INPUT or type(own) is not Layout:
            return Program(view, None)
        if own.kind not in READ or own.suffix:
            return Program(view, None)
        asked.append(Mapped(view.sites[layer], own, formula))
    return Program(view, tuple(asked))


def _note(state: ModelCache, problem: Exception) -> None:
    said = (
        "Maps are computed in passes of their own and not in one program with the scores, which "
        f"is somewhat slower: {first_line(problem)}."
    )
    state.kept.setdefault("notes", {}).setdefault("fused", said)
