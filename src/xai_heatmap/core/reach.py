"""Reach: how far what a map was made from can move the explained number, by more than rounding."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Map, Scores
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.moves import far
from xai_heatmap.core.registry import Method
from xai_heatmap.core.rounding import OF_A_MEAN
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.target import Target

OF_SLOPES = 1e-4
"""As `OF_A_MEAN`, of what slopes add up to: theirs is the rounding of a whole way back, many times
that of one number, and what a network can show lies far above."""

TRIES = frozenset({"head", "model", "again", "secant"})
"""Fields of evidence with which a method sees y at other places."""


@dataclass(frozen=True)
class Reach:
    """Largest moves of y found, beside the size of the terms that y is made of.

    Parameters
    ----------
    tried, sloped
        How far y went where a method showed other things to the network, and how far it would go by
        the slopes that the method was given.
    size
        The larger of |y| and Σ_c |∂y/∂s_c s_c|.
    flat
        Whether ∂y/∂s is 0 but for rounding, as that of the likeness of a picture to itself.
    tied
        Whether y is 0 but for rounding while its terms are not, as the margin of two classes that
        are the same.
    """

    tried: float
    sloped: float
    size: float
    flat: bool
    tied: bool

    @property
    def share(self) -> float:
        """Share of the size that could be moved."""
        return max(self.tried, self.sloped) / self.size if self.size else 1.0

    @property
    def rounding(self) -> bool:
        """Whether y moved by nothing but rounding.

        No move at all is told from a layer that nothing hangs on by the number itself, which has to
        be flat or tied.
        """
        if not (self.tried or self.sloped or self.flat or self.tied):
            return False
        return self.tried <= OF_A_MEAN * self.size and self.sloped <= OF_SLOPES * self.size


@dataclass(frozen=True)
class Terms:
    """The explained number of the picture itself, with the size of its terms.

    Parameters
    ----------
    y, size, flat, tied
        The number, and the same facts as those of `Reach`.
    """

    y: float
    size: float
    flat: bool
    tied: bool


def terms(target: Target, scores: Scores) -> Terms:
    """Terms of a target, given one row of scores: those of the picture."""
    y, sizes = float(target.value(scores)[0]), np.abs(scores.astype(np.float64))
    slopes = np.abs(target.cotangent(scores).astype(np.float64))
    parts = float((slopes * sizes).sum())
    most = float(slopes.sum() * sizes.max(initial=0))
    return Terms(
        y,
        size=max(abs(y), parts),
        flat=not slopes.any() or 0 < most <= OF_A_MEAN * abs(y),
        tied=parts > 0 and abs(y) <= OF_A_MEAN * parts,
    )


def reach(map_: Map, method: Method, known: Evidence, of: Terms) -> Reach | None:
    """Reach of a method's evidence; None for a method that sees nothing of y."""
    tries, slopes = not TRIES.isdisjoint(method.needs), list(_slopes(method, known))
    attends = "attentions" in method.needs
    if not (tries or slopes or attends):
        return None
    tried = known.moves.tried(of.y) if tries else 0.0
    if known.secant is not None and "secant" in method.needs:
        tried = max(tried, abs(known.secant.after - known.secant.before))
    sloped = [known.moves.steepest, float(np.abs(map_).sum()) if attends else 0.0]
    if not of.flat:
        sloped += [_along(map_, *pair, OF_SLOPES * of.size) for pair in slopes]
    return Reach(tried, max(sloped), of.size, of.flat, of.tied)


def _along(
    map_: Float32[np.ndarray, "..."], gradient: Gradient, activation: Activation, enough: float
) -> float:
    """Σ |∂y/∂A| · max |A|, or the same of the map's strongest place alone where that is enough: of
    a layer that says something only one place is read. The grid of a coarser level is another one.
    """
    if map_.shape == gradient.shape[1:]:
        place = np.unravel_index(np.abs(map_).argmax(), map_.shape)
        strongest = far(gradient[:, *place], activation[:, *place])
        if strongest > enough:
            return strongest
    return far(gradient, activation) or float(np.abs(gradient).sum())  # of what is 0 all over


def _slopes(method: Method, known: Evidence) -> Iterator[tuple[Gradient, Activation]]:
    """Slopes that the method was given, ∂y/∂A or what stands for that, each with its A."""
    found = {"gradient": known.gradient, "balanced": known.balanced}
    found["secant"] = None if known.secant is None else known.secant.slopes
    for name, gradient in found.items():
        if name in method.needs and gradient is not None and known.activation is not None:
            yield gradient, known.activation
    for name, levels in {"pyramid": known.pyramid, "stages": known.stages}.items():
        if name in method.needs:
            yield from ((level.gradient, level.activation) for level in levels or ())
