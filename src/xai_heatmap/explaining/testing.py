"""Test of maps against what moves the explained number, all from one set of forward passes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.cells import overlap
from xai_heatmap.core.errors import BadArray, NonFiniteScores
from xai_heatmap.core.layers.placing import Extent
from xai_heatmap.core.rounding import OF_A_MEAN
from xai_heatmap.core.shapes import Float64
from xai_heatmap.core.tested import ALPHA, PASSES, USUAL, Tested, TestedWord
from xai_heatmap.explaining.disturbed import Disturbed, Moved
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.movement import NO_NUMBERS, of_classes, problem, scale_of
from xai_heatmap.explaining.question import Question
from xai_heatmap.explaining.rows import takes_rows
from xai_heatmap.metrics.parts.agreement import (
    OfCopies,
    agreement,
    flat,
    predicted,
    share_as_good,
    spread,
)
from xai_heatmap.metrics.parts.blocks import Blocks, Patches
from xai_heatmap.metrics.parts.halving import Halves
from xai_heatmap.metrics.parts.naive import centre, edges
from xai_heatmap.render.heat import bordered, spans_over
from xai_heatmap.render.smooth import Span, lines

STILL = 0.25
"""A number that moves by less than this part of its scale hangs on nothing in the input."""

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


@dataclass(frozen=True)
class Known:
    """What is known of one question before any map is tested.

    Parameters
    ----------
    question, blocks, moved, taken
        What is asked, how the input was cut, what the number did, and which halves were taken away.
    edges, centre
        T of what knows nothing of the network.
    classes
        How the score of each class moved, each of length 1 or 0; None where not one class is
        explained.
    """

    question: Question
    blocks: Blocks
    moved: Moved
    taken: Halves
    edges: float
    centre: float
    classes: Float64[np.ndarray, "_ _"] | None

    def test(self, map_: Map, extent: Extent | None = None) -> Tested:
        """The result for one map."""
        if self.settled is not None:
            return self.settled
        moved = self.moved
        patches, odd = on_patches(map_, self.blocks, extent), moved.odd
        others = self.of_copies(patches)
        level = flat(patches)
        found = Figures(
            0.0 if level else float(others[0]),
            spread(patches, self.taken, odd),
            1.0 if level else share_as_good(others),
            len(others),
            self.edges,
            self.centre,
            float(np.partition(others, rank := int((1 - ALPHA) * len(others)))[rank]),
        )
        place, classes = (None, None) if level else self._place(patches)
        return Tested(
            found.word, found.because, found.agreement, found.spread, found.p, found.copies,
            found.edges, found.centre, place, classes, self.far, moved.passes, found.doubtful,
        )  # fmt: skip

    @cached_property
    def of_copies(self) -> OfCopies:
        """T of a map and of its copies."""
        return OfCopies(self.taken, self.moved.odd)

    @cached_property
    def far(self) -> float:
        """How far the number moved, in units of its scale."""
        scale = scale_of(self.question)
        return self.moved.far / scale if scale > 0 else 0.0

    @cached_property
    def settled(self) -> Tested | None:
        """The result of every map, where the network's answers decide it without one."""
        question, moved = self.question, self.moved
        if said := problem(question, moved):
            return untested(said, moved)
        if self.far >= STILL and moved.far > OF_A_MEAN * question.terms.size:
            return None
        because = (
            "Nothing in this input moves the explained number: with half of it taken away it "
            f"moves by {moved.far:.3g} of {scale_of(question):.3g}, so that no map can say what "
            "does."
        )
        return Tested("unmoved", because, moved=self.far, passes=moved.passes)

    def _place(self, patches: Patches) -> tuple[int | None, int | None]:
        """Place of the explained class among all by the map's agreement with each; how many."""
        if self.classes is None:
            return None, None
        found = (self.classes * predicted(patches.ravel(), self.taken)).sum(-1)
        return int((found > found[self.question.target.index]).sum()) + 1, len(found)


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
    _found: dict[tuple[int, int], "Known"] = field(
        default_factory=dict[tuple[int, int], "Known"], repr=False
    )

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

    def __call__(self, map_: Map, number: int = 0, extent: Extent | None = None) -> Tested:
        """Result for one map of the question of that number, whose cells lie in `extent`."""
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
            found = self._known(disturbed, number, self.passes).test(map_, extent)
            for passes in PASSES[PASSES.index(self.passes) + 1 :] if self.more else ():
                if not found.doubtful:
                    break
                found = self._known(disturbed, number, passes).test(map_, extent)
        except NonFiniteScores:
            return untested(NO_NUMBERS)
        return found

    def _known(self, disturbed: Disturbed, number: int, passes: int) -> "Known":
        """What is known of one question in so many passes, found once for all maps."""
        if (number, passes) not in self._found:
            question, blocks = disturbed.questions[number], disturbed.blocks
            moved = disturbed.moved(number, passes)
            taken = disturbed.halves[: len(moved.halved)]
            self._found[number, passes] = Known(
                question,
                blocks,
                moved,
                taken,
                agreement(edges(question.given.x, blocks), taken, moved.odd),
                agreement(centre(blocks), taken, moved.odd),
                of_classes(question, disturbed.scores(passes)),
            )
        return self._found[number, passes]

    def explanation(self, one: Explanation, number: int = 0) -> Explanation:
        """The explanation with the result of its test."""
        empty = one.verdict.word == "cancelled"
        map_ = np.zeros_like(one.map) if empty else one.map
        return replace(one, tested=self(map_, number, one.extent))


def untested(because: str, moved: Moved | None = None) -> Tested:
    """Result where there was nothing to test, with the reason."""
    return Tested("untested", because, passes=0 if moved is None else moved.passes)


def on_patches(map_: Map, blocks: Blocks, extent: Extent | None = None) -> Patches:
    """Mean over each patch of the map drawn out over the input, whose cells lie in `extent`."""
    values, extent = bordered(map_.astype(np.float64), blocks.image, extent)
    spans = spans_over(blocks.image, extent)
    for axis, (n, span) in enumerate(zip(blocks.patches, spans, strict=True)):
        weights = _drawn_out(n, span, values.shape[axis])
        values = np.moveaxis(np.moveaxis(values, axis, -1) @ weights.T, -1, axis)
    return values


@lru_cache(64)
def _drawn_out(patches: int, span: Span, cells: int) -> Float64[np.ndarray, "patches cells"]:
    """Weights of the cells of an axis in the mean over each patch."""
    return overlap(patches, span.pixels) @ lines(span, cells)
