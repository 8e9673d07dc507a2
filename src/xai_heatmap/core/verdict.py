"""Verdict on a map: usable, or why not, with the figure that decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient
from xai_heatmap.core.reach import Reach
from xai_heatmap.core.shapes import Float32

Answered = Float32[np.ndarray, "..."]
"""A map, or one for each channel."""

Parts = Float32[np.ndarray, "k ..."]
"""Numbers of all feature maps at one place."""

Word = Literal["ok", "no_positive_evidence", "dead_gradient", "saturated", "cancelled"]

SATURATED_BEYOND = 1e-3
"""A probability this near to 0 or 1 has lost all but a thousandth of its gradient."""

ROUNDING = 1e-5
"""Smallest map, as a share of the contributions that it was made from: a smaller map is nothing but
rounding."""

CANCELLED = (
    "what the feature maps contribute cancels out at every place, and the map is nothing but "
    "rounding: what comes next takes the scale of the activation away, as layer normalisation "
    "does. Choose gradcam, reciprocam, or another layer."
)

DEAD = (
    "no gradient of the score reaches this layer: what comes after does not depend on it, or cuts "
    "gradients off. Choose an earlier layer, or a method without gradients, such as eigencam."
)


@dataclass(frozen=True)
class Verdict:
    """Verdict on a map: one word, the number behind that word, and the reason.

    Parameters
    ----------
    word
        ``ok``, or why there is nothing (or little) to be seen.
    figure
        The number behind the word: the map's maximum, the gradient's largest magnitude, the
        probability, the map as a share of what it was made from.
    because
        The same in one sentence, with what to do next.
    figures
        What the method itself says of its map, by name: how far it is from adding up, how much of
        it is chance; None where that came out as no number.
    """

    word: Word
    figure: float
    because: str
    figures: Mapping[str, float | None] = field(default_factory=dict[str, float | None])

    def __str__(self) -> str:
        return f"{self.word}: {self.because}"


def finite(figures: Mapping[str, float]) -> dict[str, float | None]:
    """Figures as they are kept: None in place of NaN and infinity, which no file can hold."""
    return {name: own if np.isfinite(own) else None for name, own in figures.items()}


def verdict(
    map_: Answered,
    *,
    gradient: Gradient | None,
    score: float,
    probability: bool,
    activation: Activation | None = None,
    directed: bool = True,
    reach: Reach | None = None,
) -> Verdict:
    """Judge one raw map.

    Parameters
    ----------
    map_
        As the method gave it.
    gradient
        What the method was given, None if it asked for none.
    score
        The explained number.
    probability
        Whether `score` is a probability rather than a logit.
    activation
        What the method was given beside the gradient, None if it asked for none.
    directed
        Whether the map is for or against what is explained.
    reach
        How far the score moves by what the map was made from; None for a method that sees none.
    """
    if probability and gradient is not None and is_saturated(score):
        return saturated(score)
    if reach is not None and reach.rounding:
        return Verdict("cancelled", reach.share, _unmoved(reach))
    if gradient is not None and activation is not None:
        share = _share(map_, gradient, activation)
        if share <= ROUNDING:
            return Verdict("cancelled", share, CANCELLED)
    highest = float(map_.max(initial=-np.inf))
    if not highest > 0 and gradient is not None and not np.any(gradient):
        if reach is not None and reach.flat:
            return Verdict("cancelled", reach.share, _unmoved(reach))
        return Verdict("dead_gradient", 0.0, DEAD)
    return by_sign(map_, highest, directed=directed)


def is_saturated(probability: float) -> bool:
    """Whether a probability is so near to 0 or 1 that it has lost its gradient."""
    return min(abs(probability), abs(1 - probability)) < SATURATED_BEYOND


def saturated(probability: float) -> Verdict:
    """Verdict on the map of a probability that has lost its gradient."""
    return Verdict(
        "saturated",
        probability,
        f"the explained probability is {probability:.6g}, where its gradient has all but vanished; "
        "explain the logit instead (target category or top).",
    )


def by_sign(map_: Answered, highest: float, *, directed: bool) -> Verdict:
    """Verdict on a map that is more than rounding, by its highest value alone."""
    if highest > 0:
        return Verdict("ok", highest, f"the strongest place has relevance {highest:.4g}.")
    because = _nothing_for(map_) if directed else _undirected(map_)
    return Verdict("no_positive_evidence", highest, because)


def kept(word: Word, figure: float, map_: Answered, *, directed: bool) -> Verdict:
    """Verdict of which the word and the figure were kept, with the reason that goes with them."""
    if word in ("ok", "no_positive_evidence"):
        return Verdict(word, figure, by_sign(map_, figure, directed=directed).because)
    if word == "saturated":
        return saturated(figure)
    return Verdict(word, figure, DEAD if word == "dead_gradient" else CANCELLED)


def _nothing_for(map_: Answered) -> str:
    """Reason that a map of a method that sees the score has no place above 0."""
    found = (
        "the map shows what speaks against it. "
        if map_.any()
        else "the map stays empty. hirescam shows what speaks against it. "
    )
    return f"nothing at this layer speaks for the target; {found}Another layer may show more."


def _unmoved(reach: Reach) -> str:
    """Reason that the explained number does not move."""
    if reach.flat:
        return (
            "what is explained has no slope here, and the map is nothing but rounding: likeness of "
            "a picture to itself is as large as can be, whichever feature changes a little. "
            "Take a method that hides parts, such as occlusion, or the dot product in its place: "
            "function(lambda rows: rows @ other)."
        )
    if reach.tied:
        return (
            "what is explained is a difference whose sides are the same, and the map is nothing "
            "but rounding. Explain one side alone, or against another class."
        )
    return (
        "what is explained moves by no more than rounding with this layer, and so does the map: "
        "what comes next takes away whatever changes here, as a normalisation before a mean does. "
        "Choose another layer."
    )


def _undirected(map_: Answered) -> str:
    """Reason that a method which looks at the layer alone has no place above 0."""
    found = (
        "no place of the map is above 0. The method looks at the layer alone, so that is neither "
        "for nor against any class. "
        if map_.any()
        else "the layer says the same at every place, or nothing, so there is no pattern to see. "
    )
    return found + "Choose another layer, or a method that sees the score, such as hirescam."


def _share(map_: Answered, gradient: Gradient, activation: Activation) -> float:
    """|map| ÷ Σ_k |G_k A_k| where the map is strongest; of the layer only that place is read.

    A map that is rounding everywhere is so there; 1 for a map that is 0.
    """
    place = np.unravel_index(np.abs(map_).argmax(), map_.shape)
    at = place[map_.ndim - gradient.ndim + 1 :]  # of a map for each channel, the place alone
    return share(float(map_[place]), gradient[:, *at], activation[:, *at])


def share(strongest: float, gradient: Parts, activation: Parts) -> float:
    """|map| ÷ Σ_k |G_k A_k| at one place; 1 where the map is 0 there."""
    parts = float(np.abs(gradient * activation).sum())
    return abs(strongest) / parts if parts and strongest else 1.0
