"""Fused programs of an opened network: when they are asked for, and what they are read as."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

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


def result(found: Sequence[np.ndarray], *, judged: bool) -> Ran:
    """Result of arrays that come one after the other: scores, cotangent, and of each map the map,
    with its strongest place, gradient and activation where it is judged.
    """
    scores, cotangent, *rest = found
    if not judged:
        return Ran(scores, cotangent, rest)
    places = [own.astype(np.int64) for own in rest[1::4]]
    return Ran(scores, cotangent, rest[::4], list(zip(places, rest[2::4], rest[3::4], strict=True)))


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


def fusing(engine: object) -> Fusing | None:
    """The engine, where it has fused programs; found by its attribute, as every call asks."""
    return cast("Fusing", engine) if hasattr(engine, "fused") else None


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
        maps = self.maps
        if maps is None or engine is None:
            return None
        try:
            found = engine.fused(adapter, x, maps, self.view.undo, seeds, judged=judged)
        except Exception as problem:
            if out_of_memory(problem):
                raise
            self.maps = None  # is not tried again
            if not isinstance(problem, NoRule | LayerNotReached):  # is raised by the passes
                _note(state, problem)
            return None
        if found is None:
            return None
        for own, map_ in zip(maps, found.maps, strict=True):
            if map_.shape != (len(x), *own.layout.grid):
                self.maps = None
                return None
        return found


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
