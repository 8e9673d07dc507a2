"""Test of maps against what moves the explained number, all from one set of forward passes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float64

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.errors import BadArray, NonFiniteScores
from xai_heatmap.core.rounding import OF_A_MEAN
from xai_heatmap.core.targets.answer import ROW
from xai_heatmap.core.tested import ALPHA, Tested, TestedWord
from xai_heatmap.explaining.disturbed import PASSES, USUAL, Disturbed, Moved
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.question import Question
from xai_heatmap.explaining.rows import takes_rows
from xai_heatmap.metrics.parts.agreement import (
    agreement,
    cosine,
    flat,
    of_copies,
    predicted,
    share_as_good,
    spread,
)
from xai_heatmap.metrics.parts.blocks import Blocks, Patches, overlap
from xai_heatmap.metrics.parts.halving import Halves
from xai_heatmap.metrics.parts.naive import centre, edges
from xai_heatmap.render.smooth import interpolation

STILL = 0.25
"""A number that moves by less than this part of its scale hangs on nothing in the input."""

OFTEN = 1e-3
"""Part of its scale by which the same input may be answered differently."""


OF_A_PROBABILITY = 0.2
"""Scale of a probability."""

NO_NUMBERS = (
    "The network answers NaN or infinity where parts of the input are taken away, so that nothing "
    "can be said of what moves the explained number."
)

NO_NEIGHBOURS = (
    "The features of a row have no neighbours, so that blocks of them and shifted copies of a map "
    "mean nothing."
)


@dataclass(frozen=True)
class Figures:
    """Figures of one map, as `Tested` has them; `least` is the T of its copies that all but one in
    twenty stay below.
    """

    agreement: float
    spread: float
    p: float
    copies: int
    edges: float
    centre: float
    least: float

    @property
    def word(self) -> TestedWord:
        """What the figures come to."""
        if self.p > ALPHA or self.agreement <= 0:
            return "chance"
        return "predicts" if self.agreement > max(self.edges, self.centre) else "naive"

    @property
    def doubtful(self) -> bool:
        """Whether T is no further than its spread from a T that would change pass or fail."""
        border = max(self.least, self.edges, self.centre, 0.0)
        return abs(self.agreement - border) <= self.spread

    @property
    def because(self) -> str:
        """The same in a sentence."""
        as_good = round(self.p * self.copies) - 1
        copies = f"{as_good} of {self.copies - 1} shifted and mirrored copies of it do as well"
        share = max(self.agreement, 0.0) ** 2
        said = f"his map predicts {share:.0%} of what moves the explained number; {copies}"
        sure = " Pass and fail lie within the spread of its T." if self.doubtful else ""
        if self.word == "predicts":
            return f"T{said}. It is also better than edges and a blob in the middle.{sure}"
        if self.word == "chance":
            return f"No better than chance: t{said}.{sure}"
        naive = {"the edges of the input": self.edges, "a blob in its middle": self.centre}
        also = " and ".join(name for name, own in naive.items() if own >= self.agreement)
        return f"Better than chance, not than {also}: t{said}.{sure}"


@dataclass
class Trial:
    """Tests of any number of maps of one input.

    Parameters
    ----------
    questions
        One for each target, of one forward pass.
    passes
        Most forward passes: 32, 64 or 128.
    more
        Whether a map is tested with more passes where T and the T that would be told from its
        copies lie within T's spread.
    seed
        Of the draw of halves.
    """

    questions: Sequence[Question]
    passes: int = USUAL
    more: bool = False
    seed: int = 0

    @cached_property
    def disturbed(self) -> Disturbed | BadArray:
        """The passes; why there are none."""
        question = self.questions[0]
        if takes_rows(question.network, question.given.x.shape[-1:]):
            return BadArray(NO_NEIGHBOURS)
        try:
            return Disturbed(self.questions, self.passes, self.seed)
        except BadArray as error:
            return error

    def __call__(self, map_: Map, number: int = 0) -> Tested:
        """Result for one map of the question of that number."""
        disturbed = self.disturbed
        if isinstance(disturbed, BadArray):
            return untested(str(disturbed))
        axes = len(disturbed.blocks.image)
        if map_.ndim == axes + 1:
            map_ = map_.sum(axis=0)
        if map_.ndim != axes:
            own = "x".join(map(str, map_.shape))
            return untested(f"The map's grid, {own}, lies on other axes than the input.")
        try:
            disturbed.moved(number)
        except NonFiniteScores:
            return untested(NO_NUMBERS)
        found = _tested(map_, disturbed, number, self.passes)
        for passes in PASSES[PASSES.index(self.passes) + 1 :] if self.more else ():
            if not found.doubtful:
                break
            found = _tested(map_, disturbed, number, passes)
        return found

    def explanation(self, one: Explanation, number: int = 0) -> Explanation:
        """The explanation with the result of its test."""
        empty = one.verdict.word == "cancelled"
        return replace(one, tested=self(np.zeros_like(one.map) if empty else one.map, number))


def untested(because: str, moved: Moved | None = None) -> Tested:
    """Result where there was nothing to test, with the reason."""
    return Tested("untested", because, passes=0 if moved is None else moved.passes)


def scale_of(question: Question) -> float:
    """Scale of the explained number: the standard deviation of the scores over classes where they
    are logits of three or more classes; of a probability a fifth; else the size of the number's
    terms.
    """
    if question.target.bounded:
        return OF_A_PROBABILITY
    answer, scores = question.answer, question.scores
    spoken = answer.form == ROW and answer.kind in ("classes", "labels") and len(scores) > 2
    if spoken and question.recording.meaning != "probabilities":
        return float(scores.astype(np.float64).std())
    return question.terms.size


def _tested(map_: Map, disturbed: Disturbed, number: int, passes: int) -> Tested:
    question, moved = disturbed.questions[number], disturbed.moved(number, passes)
    if problem := _problem(question, moved):
        return untested(problem, moved)
    scale = scale_of(question)
    far = moved.far / scale if scale > 0 else 0.0
    if far < STILL or moved.far <= OF_A_MEAN * question.terms.size:
        because = (
            f"Nothing in this input moves the explained number: with half of it taken away it "
            f"moves by {moved.far:.3g} of {scale:.3g}, so that no map can say what does."
        )
        return Tested("unmoved", because, moved=far, passes=moved.passes)
    halves, odd = disturbed.halves[: len(moved.halved)], moved.odd
    patches = on_patches(map_, disturbed.blocks)
    others = of_copies(patches, halves, odd)
    found = Figures(
        agreement(patches, halves, odd),
        spread(patches, halves, odd),
        1.0 if flat(patches) else share_as_good(others),
        len(others),
        agreement(edges(question.given.x, disturbed.blocks), halves, odd),
        agreement(centre(disturbed.blocks), halves, odd),
        float(np.quantile(others, 1 - ALPHA)),
    )
    place, classes = _place(patches, halves, disturbed, number, passes)
    return Tested(
        found.word, found.because, found.agreement, found.spread, found.p, found.copies,
        found.edges, found.centre, place, classes, far, moved.passes, found.doubtful,
    )  # fmt: skip


def _problem(question: Question, moved: Moved) -> str:
    """Why these answers can't be used, if they can't."""
    if not moved.finite:
        return NO_NUMBERS
    allowed = OFTEN * max(scale_of(question), question.terms.size)
    if abs(moved.again - moved.whole) > allowed:
        return (
            f"The network answers the same input with {moved.whole:.4g} and then with "
            f"{moved.again:.4g}: what moves the number can't be told from its own chance. Switch "
            "off dropout and noise, as model.eval() does, and ask again."
        )
    return ""


def _place(
    patches: Patches, halves: Halves, disturbed: Disturbed, number: int, passes: int
) -> tuple[int | None, int | None]:
    """Place of the explained class among all by the map's agreement with each, and how many."""
    question = disturbed.questions[number]
    index, scores = question.target.index, disturbed.scores(passes)
    if index is None or scores is None or scores.shape[1] < 2 or flat(patches):
        return None, None
    rows = scores[2:].astype(np.float64)
    moves: Float64[np.ndarray, "classes pairs"] = ((rows[1::2] - rows[0::2]) / 2).T
    found = cosine(predicted(patches.ravel(), halves), moves)
    return int((found > found[index]).sum()) + 1, len(found)


def on_patches(map_: Map, blocks: Blocks) -> Patches:
    """Mean over each patch of the map drawn out over the input."""
    values = map_.astype(np.float64)
    for axis, (n, places) in enumerate(zip(blocks.patches, blocks.image, strict=True)):
        cells = values.shape[axis]
        drawn = interpolation(places, cells, start=0.0, stop=float(places))
        weights = overlap(n, places) @ drawn
        values = np.moveaxis(np.tensordot(weights, values, axes=(1, axis)), 0, axis)
    return values
