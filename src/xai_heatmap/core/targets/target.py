"""Targets: the explained number of an image, and its derivative by the scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import ScoreRow, Scores, Values
from xai_heatmap.core.boxes.detections import Detection
from xai_heatmap.core.targets.answer import ROW, Answer, Seen


@dataclass(frozen=True)
class Target:
    """The number being explained, y, as a function of the scores s.

    Parameters
    ----------
    label
        What it is, in words.
    value
        y of every row of scores.
    cotangent
        ∂y/∂s of every row of scores.
    index
        The class it is about, None where it is about several.
    bounded
        Whether y is a probability, whose gradient fades towards 0 and 1.
    first
        Of several classes the one that is held against the others.
    detection
        The box of a detector that it is about.
    weights
        w of a target y = Σ_c w_c s_c; None of any other.
    """

    label: str
    value: Callable[[Scores], Values]
    cotangent: Callable[[Scores], Scores]
    index: int | None = None
    bounded: bool = False
    first: int | None = None
    detection: Detection | None = None
    weights: ScoreRow | None = None

    def between(self, scores: Scores) -> ScoreRow:
        """Cotangent c between two rows, with Σ c (s₀ - s₁) = y₀ - y₁, as near as can be to the mean
        cotangent.
        """
        mean = self.cotangent(scores).mean(axis=0)
        rise = float(np.subtract(*self.value(scores)))
        far = scores[0] - scores[1]
        length = float(far @ far)
        return mean + far * np.float32((rise - float(mean @ far)) / length) if length else mean


@dataclass(frozen=True)
class Choice:
    """Picks a target by looking at one image's scores once; after that the target is fixed.

    Parameters
    ----------
    label
        What is chosen, in words; it is what a job file holds.
    pick
        From what the network answered to the target.
    settled
        The same choice with its class fixed by what the network answered; None where it has no
        class that depends on that.
    over
        Whether it says itself which places it is about, where a network scores many.
    rank
        Which it is of those ordered by the scores, where it is chosen so.
    check
        What can be found wrong before the network runs: with the picture, and the names of the
        classes where they are known.
    of_all
        The same of everything that a network answers for the steps of a sequence, at once.
    """

    label: str
    pick: Callable[[Answer], Target]
    settled: "Callable[[Answer], Choice] | None" = None
    over: bool = False
    rank: int | None = None
    check: Callable[[Seen, Sequence[str]], None] | None = None
    of_all: Callable[[Answer], Target] | None = None

    def __call__(self, scores: ScoreRow | Answer, labels: Sequence[str] = ()) -> Target:
        """The target for an image that the network answered with this."""
        answer = scores if isinstance(scores, Answer) else Answer(scores, labels)
        if answer.form == ROW or self.over:
            return self.pick(answer)
        if answer.form.boxes is not None:
            from xai_heatmap.core.boxes.box import box, ranked

            return ranked(self.rank)(answer) if self.rank is not None else box(None, self)(answer)
        if self.of_all is not None and len(answer.form.grid) == 1:
            return self.of_all(answer)
        if answer.form.steps:
            from xai_heatmap.core.targets.step import unsaid

            raise unsaid(answer)
        from xai_heatmap.core.targets.region import region

        return region(self)(answer)


@dataclass(frozen=True)
class Choices:
    """Picks several targets by looking at one image's scores once: as many as are found there.

    Parameters
    ----------
    label
        What is chosen, in words.
    pick
        From what the network answered to the targets.
    check
        As of a `Choice`.
    """

    label: str
    pick: Callable[[Answer], Sequence[Target]]
    check: Callable[[Seen, Sequence[str]], None] | None = None


def linear(
    weights: ScoreRow, label: str, *, index: int | None = None, first: int | None = None
) -> Target:
    """y = Σ_c w_c s_c."""
    weights = np.asarray(weights, np.float32)
    return Target(
        label,
        lambda scores: scores @ weights,
        lambda scores: np.broadcast_to(weights, scores.shape).astype(np.float32),
        index,
        first=first,
        weights=weights,
    )
