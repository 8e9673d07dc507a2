"""Forward passes of one input with half of it taken away: one set for every map of that input."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from xai_heatmap.core.arrays import Input, Scores, Values
from xai_heatmap.core.cells import cell_means
from xai_heatmap.core.evidence import batched
from xai_heatmap.core.network import INPUT
from xai_heatmap.core.shapes import Float32, Float64
from xai_heatmap.core.targets.answer import ROW
from xai_heatmap.core.tested import PASSES, USUAL, check_passes
from xai_heatmap.explaining.question import Question
from xai_heatmap.metrics.parts.blocks import Blocks, blocks_of, over_places
from xai_heatmap.metrics.parts.halving import Halves, halves, whole_draws
from xai_heatmap.metrics.parts.imputation import interpolated_each
from xai_heatmap.render.smooth import interpolation

BESIDE = 2
"""Passes that are no halves: the input once more, and the input without anything."""

CELLS = {1: 2, 2: 2, 3: 1}
"""Cells of a patch along each axis, on which what is taken away is filled in."""

Answers = Float64[np.ndarray, "pairs 2"]
"""The explained number with either half of each pair taken away."""


@dataclass(frozen=True)
class Moved:
    """What the explained number did.

    Parameters
    ----------
    whole, again
        y of the input when the maps were made, and in the passes of the test.
    empty
        y of the input without anything: the mean of each channel everywhere.
    halved
        y with either half of each pair taken away.
    """

    whole: float
    again: float
    empty: float
    halved: Answers

    @property
    def passes(self) -> int:
        """Forward passes behind it."""
        return BESIDE + self.halved.size

    @cached_property
    def odd(self) -> Float64[np.ndarray, " pairs"]:
        """Half the difference of both falls of each pair."""
        return (self.halved[:, 1] - self.halved[:, 0]) / 2

    @cached_property
    def far(self) -> float:
        """Root mean square of how far y moved."""
        return float(np.sqrt(((self.whole - self.halved) ** 2).mean()))

    @cached_property
    def finite(self) -> bool:
        """Whether the network answered numbers to all of it."""
        return bool(np.isfinite([self.again, self.empty, *self.halved.ravel()]).all())


@dataclass
class Disturbed:
    """One input, of which halves are taken away when somebody first asks.

    Parameters
    ----------
    questions
        All that is asked of it: one question for each target, of one forward pass.
    passes
        Most forward passes: 32, 64 or 128.
    seed
        Of the draw of halves.

    Raises
    ------
    BadOption
        For another number of passes.
    BadArray
        For an input that can't be cut into blocks.
    """

    questions: Sequence[Question]
    passes: int = USUAL
    seed: int = 0
    made: int = 0
    _rows: list[Scores] = field(default_factory=list[Scores])
    _values: list[list[Values]] = field(default_factory=list[list[Values]])

    def __post_init__(self) -> None:
        check_passes(self.passes)
        self.blocks = blocks_of(self.x.shape[1:])

    @property
    def x(self) -> Input:
        """The input as the network takes it."""
        return self.questions[0].given.x

    @cached_property
    def halves(self) -> Halves:
        """The pairs of halves of the longest test; a shorter one takes the first of them."""
        return halves(self.blocks, self._pairs(PASSES[-1]), seed=self.seed)

    @property
    def usual(self) -> Halves:
        """The pairs of halves that `passes` make."""
        return self.halves[: self._pairs(self.passes)]

    def _pairs(self, passes: int) -> int:
        return whole_draws(self.blocks, (passes - BESIDE) // 2)

    def _count(self, passes: int | None) -> int:
        """Passes that are made where so many may be."""
        return BESIDE + 2 * self._pairs(passes or self.passes)

    def moved(self, number: int, passes: int | None = None) -> Moved:
        """What the number of one question did in so many passes, made where they were not yet."""
        wanted = self._count(passes)
        self._run(wanted)
        values = np.concatenate([own[number] for own in self._values]).astype(np.float64)[:wanted]
        return Moved(
            self.questions[number].score,
            float(values[0]),
            float(values[1]),
            values[BESIDE:].reshape(-1, 2),
        )

    def scores(self, passes: int | None = None) -> Scores | None:
        """Scores of all classes, rows as of `moved`; None where every class has many."""
        wanted = self._count(passes)
        self._run(wanted)
        return np.concatenate(self._rows)[:wanted] if self._rows else None

    def _run(self, wanted: int) -> None:
        """Make the passes that are missing, in batches."""
        recording = self.questions[0].recording
        if self.made >= wanted:
            return
        pictures = self._pictures(self.made, wanted)
        for batch in batched(pictures, 32):
            scores = recording.replay(INPUT, batch, row=0).scores
            self._values.append([one.target.value(scores) for one in self.questions])
            if recording.form == ROW:
                self._rows.append(scores)
        self.made = wanted

    def _pictures(self, start: int, stop: int) -> Iterator[Input]:
        first, last = (max(number - BESIDE, 0) // 2 for number in (start, stop))
        taken = self.halves[first:last]
        gone = [own for half in taken for own in (half, ~half)]
        if start == 0:
            yield self.x
            gone = [np.ones(self.blocks.patches, bool), *gone]
        yield from filled(self.x, np.stack(gone), self.blocks)


def filled(x: Input, gone: Halves, blocks: Blocks) -> Iterator[Input]:
    """The input without each of several sets of patches, and in their place what their neighbours
    let one expect.

    Cells of half a patch (of a volume whole patches) take the weighted mean of their neighbours, as
    `metrics.parts.imputation` solves it, and are drawn out in straight lines between their centres.
    """
    finer = CELLS[len(blocks.image)]
    cells = tuple(n * finer for n in blocks.patches)
    means, fine = cell_means(x, cells), gone
    weights: list[Float32[np.ndarray, "places cells"]] = []
    for axis, (n, places) in enumerate(zip(cells, blocks.image, strict=True), start=1):
        fine = fine.repeat(finer, axis)
        weights.append(interpolation(places, n, start=0.0, stop=float(places)))
    for own, values in zip(gone, interpolated_each(means, fine), strict=True):
        drawn = values
        for axis, along in enumerate(weights, start=1):
            drawn = np.moveaxis(np.moveaxis(drawn, axis, -1) @ along.T, -1, axis)
        yield np.where(over_places(own, blocks), drawn, x).astype(np.float32)
