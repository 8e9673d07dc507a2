"""Result of the test of one map: whether it predicts what moves the explained number."""

from dataclasses import dataclass
from typing import Literal

from xai_heatmap.core.errors import BadOption

TestedWord = Literal["predicts", "naive", "chance", "unmoved", "untested"]

ALPHA = 0.05
"""Largest p at which a map is told from its shifted and mirrored copies."""


PASSES = (32, 64, 128)
"""Numbers of forward passes that a test may take."""

USUAL = 64
"""Number of forward passes that a test takes where nobody says."""


def check_passes(passes: object) -> None:
    """Check that a test may take so many passes, before the network runs.

    Raises
    ------
    BadOption
        For another number.
    """
    if isinstance(passes, bool) or passes not in PASSES:
        known = ", ".join(map(str, PASSES))
        raise BadOption(f"The test takes passes={known}; received {passes!r}.")


@dataclass(frozen=True)
class Tested:
    """Result of the test of one map against forward passes in which half of the input is gone.

    What was tested is whether the map says which parts of this input the explained number of this
    network hangs on. That a map passes says nothing about whether the network is right to look
    there.

    Parameters
    ----------
    word
        ``predicts``: better than its copies, than edges and than the centre. ``naive``: better than
        its copies alone. ``chance``: no better than its copies. ``unmoved``: nothing in this input
        moves the number, so that no map can say what does. ``untested``: there was nothing to test.
    because
        The same in a sentence.
    agreement
        T, the cosine between what the map predicts and how the number moved, in [-1, 1].
    spread
        Standard error of T over the pairs of halves.
    p
        Share of the map's shifted and mirrored copies, itself among them, with a T as high.
    copies
        How many these are.
    edges, centre
        T of the edges of the same input, and of a blob in its middle.
    place, classes
        Place of the explained class among all by how well the map predicts each, 1 the best; None
        where not one class is explained.
    moved
        How far the number moved, root mean square, in units of `movement.scale_of`: of logits the
        standard deviation of the scores over classes.
    passes
        Forward passes behind these figures, shared by all maps of this input.
    doubtful
        Whether T is no further than its spread from a T that would change pass or fail.
    """

    word: TestedWord
    because: str
    agreement: float | None = None
    spread: float | None = None
    p: float | None = None
    copies: int = 0
    edges: float | None = None
    centre: float | None = None
    place: int | None = None
    classes: int | None = None
    moved: float | None = None
    passes: int = 0
    doubtful: bool = False

    @property
    def passed(self) -> bool:
        """Whether the map predicts what moves the number, better than copies, edges and centre."""
        return self.word == "predicts"

    @property
    def failed(self) -> bool:
        """Whether the map was tested and did no better than copies of itself, edges or a blob."""
        return self.word in ("chance", "naive")

    @property
    def predicted(self) -> float | None:
        """T², the share of what moved the number that the map predicts; 0 where T is below 0."""
        return None if self.agreement is None else max(self.agreement, 0.0) ** 2

    @property
    def short(self) -> str:
        """The result in few words, for a caption."""
        if self.word == "predicts":
            return f"predicts {self.predicted:.0%}"
        return {
            "naive": "no better than edges or centre",
            "chance": "no better than chance",
            "unmoved": "nothing moves the score",
            "untested": "not tested",
        }[self.word]

    def __str__(self) -> str:
        return self.because

    def to_dict(self) -> dict[str, object]:
        """Every fact as a plain value."""
        return {**vars(self), "predicted": self.predicted, "passed": self.passed}
