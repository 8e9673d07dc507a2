"""Networks of a fixed number of pictures: one at a time is served so, any other number refused."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.core.errors import ModelError, XaiHeatmapError
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.networks.loading.loaded import first_line
from xai_heatmap.networks.opening.alone import Alone
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.interfaces import (
    IMAGES_IN_A_SURVEY,
    Adapter,
    Engine,
    Head,
    LayerCall,
    ModelTrace,
    Recorded,
    Undo,
)
from xai_heatmap.networks.opening.taps import Site

NUMBERS = (3, 4, 8, 16, 32)
"""How many pictures at a time networks are made for, besides one and two."""

T = TypeVar("T")

Run = Callable[[int], object]
"""Runs a network on so many pictures."""


class OneByOne:
    """Another engine, which is given one picture at a time, for networks that take no more."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def survey(self, adapter: Adapter, x: Native) -> ModelTrace:
        """As seen with each picture, put together; what the second one moves is asked for later."""
        seen = [self._engine.survey(_for(adapter, row), x[row : row + 1]) for row in range(len(x))]
        answers = [one.answers for one in seen if one.answers is not None]
        return replace(
            seen[0],
            calls=[_counted(call) for call in seen[0].calls],
            scores=_doubled(seen[0].scores),
            answers=np.concatenate(answers) if len(answers) == len(seen) else None,
            moves=None,
        )

    def answers(
        self, adapter: Adapter, x: Native, sites: Mapping[str, Site]
    ) -> Mapping[str, np.ndarray]:
        """What every site says, in a pass for each picture."""
        found = _each(adapter, x, lambda own, one: self._engine.answers(own, one, sites))
        return {name: np.concatenate([own[name] for own in found]) for name in found[0]}

    def consumed(self, adapter: Adapter, shape: tuple[int, ...]) -> Consumed:
        """As of the engine itself."""
        return self._engine.consumed(adapter, shape)

    def record(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        *,
        rule: BackwardRule = GRADIENT,
    ) -> Recorded:
        """A pass for each picture, and as many back."""
        run = partial(self._engine.record, sites=sites, undo=undo, rule=rule)
        return together(_each(adapter, x, run))

    def head(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, *, whole: bool
    ) -> Head:
        """What lies behind `site` for the one image `x`, given one activation at a time."""
        return Alone(self._engine.head(adapter, x, name, site, undo, whole=whole))

    def attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """A pass for each picture, in which attention is written out."""
        return together(_each(adapter, x, lambda own, one: self._engine.attend(own, one, undo)))


def goes_through(seen: ModelTrace) -> Collection[str]:
    """Parts that a pass of several pictures seems to call for each of them, on a batch of one.

    So does Python that goes through its batch, ``for i in range(len(x)): part(x[i : i + 1])``. Such
    calls are layers of one picture each, and so of none.
    """
    found = _calls(seen)
    return {
        path
        for path, shapes in found.items()
        if not len(shapes) % IMAGES_IN_A_SURVEY and all(shape[:1] == (1,) for shape in shapes)
    }


def is_gone_through(several: ModelTrace, alone: ModelTrace) -> bool:
    """Whether a pass of one picture calls each of those parts once for each picture less."""
    calls, own = _calls(several), _calls(alone)
    paths = goes_through(several)
    return bool(paths) and all(
        len(calls[path]) == IMAGES_IN_A_SURVEY * len(own.get(path, ())) for path in paths
    )


def _calls(seen: ModelTrace) -> Mapping[str, Sequence[tuple[int, ...]]]:
    found: dict[str, list[tuple[int, ...]]] = {}
    for call in seen.calls:
        found.setdefault(call.path, []).append(call.shape)
    return found


def together(runs: Sequence[Recorded]) -> Recorded:
    """Passes of one picture each as one of all pictures."""
    if len(runs) == 1:
        return runs[0]
    outputs = _joined([run.outputs for run in runs])
    rows = [len(run.scores) for run in runs]

    def pullback(cotangent: Native) -> Mapping[str, np.ndarray]:
        shares = np.split(cotangent, np.cumsum(rows)[:-1])
        return _joined([run.pullback(own) for run, own in zip(runs, shares, strict=True)])

    biases = {
        name: own
        if all(np.array_equal(own, run.biases[name]) for run in runs)
        else np.concatenate([run.biases[name] for run in runs])
        for name, own in runs[0].biases.items()
    }
    scores = np.concatenate([run.scores for run in runs])
    return Recorded(scores, outputs, pullback, biases=biases)


def refuse_fixed(run: Run, given: int, *, name: str) -> None:
    """Refuse a network that fails on `given` pictures of noise, and works on another number.

    Parameters
    ----------
    run
        The network on so many pictures of noise.
    given
        How many went in when it failed.
    name
        What it calls itself.

    Raises
    ------
    ModelError
        If so; nothing is raised where the pictures themselves are what it fails on.
    """
    problem = _failure(run, given)
    if problem is None or isinstance(problem, XaiHeatmapError) or out_of_memory(problem):
        return
    others = (number for number in (IMAGES_IN_A_SURVEY, *NUMBERS) if number != given)
    fixed = next((number for number in others if _failure(run, number) is None), None)
    if fixed is not None:
        raise ModelError(
            f"{name} takes exactly {fixed} pictures at a time, and a map takes other numbers of "
            f"them ({first_line(problem)}). Let it keep the first axis as it comes, such as by "
            f"x.flatten(1) instead of x.view({fixed}, -1)."
        ) from problem


def _failure(run: Run, number: int) -> Exception | None:
    try:
        run(number)
    except Exception as problem:  # noqa: BLE001 - whatever a network raises, it does not take that
        return problem
    return None


def _each(adapter: Adapter, x: Native, run: Callable[[Adapter, Native], T]) -> list[T]:
    return [run(_for(adapter, row), x[row : row + 1]) for row in range(len(x))]


def _for(adapter: Adapter, row: int) -> Adapter:
    """The model with what is held for that picture."""
    held = adapter.held
    return adapter if held.images == 1 else adapter.holding(held.of([row]))


def _counted(call: LayerCall) -> LayerCall:
    return replace(call, shape=_doubled(call.shape))


def _doubled(shape: tuple[int, ...]) -> tuple[int, ...]:
    """As if all pictures of a survey had gone in, where the first axis counts the one that did."""
    return (IMAGES_IN_A_SURVEY, *shape[1:]) if shape[:1] == (1,) else shape


def _joined(arrays: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    names = [name for name in arrays[0] if all(name in own for own in arrays)]
    return {name: np.concatenate([own[name] for own in arrays]) for name in names}
