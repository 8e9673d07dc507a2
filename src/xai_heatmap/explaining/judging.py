"""Worth of a map, by what it was made from: by its strongest place where that tells enough."""

import numpy as np

from xai_heatmap.core.arrays import Gradient, Map
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.moves import far
from xai_heatmap.core.reach import OF_SLOPES, Terms, reach
from xai_heatmap.core.registry import Method
from xai_heatmap.core.verdict import (
    ROUNDING,
    Verdict,
    by_sign,
    is_saturated,
    saturated,
    share,
    verdict,
)
from xai_heatmap.explaining.forward_pass import OF_THE_LAYER
from xai_heatmap.explaining.glimpse import Glimpse

OF_BOTH = frozenset({"activation", "gradient"})
"""The fields of evidence that most maps of gradients are made of."""


def judged(map_: Map, method: Method, known: Evidence, of: Terms, *, probability: bool) -> Verdict:
    """Verdict on a map of a method, given its evidence.

    Parameters
    ----------
    map_, method, known
        The map, by which method, and from what.
    of
        The explained number.
    probability
        Whether that is one.
    """
    seen = _by_strongest(map_, method, known, of, probability=probability)
    if seen is not None:
        return seen
    known = known.whole() if isinstance(known, Glimpse) else known
    return verdict(
        map_,
        gradient=_slope(method, known),
        activation=known.activation if "activation" in method.needs else None,
        score=of.y,
        probability=probability,
        directed=method.directed,
        reach=reach(map_, method, known, of),
    )


def _by_strongest(
    map_: Map, method: Method, known: Evidence, of: Terms, *, probability: bool
) -> Verdict | None:
    """Verdict by the strongest place alone, on a map of gradient and activation; None where that
    place moves the explained number by no more than rounding: then the whole layer decides.
    """
    gradient, activation = known.gradient, known.activation
    if of.flat or gradient is None or activation is None:
        return None
    if isinstance(known, Glimpse):
        strongest = float(map_.flat[known.place])
        if abs(strongest) < max(map_.max(), -map_.min()):
            return None
    else:
        known_by = OF_BOTH <= method.needs <= OF_THE_LAYER
        if not (known_by and map_.size and map_.shape == gradient.shape[1:]):
            return None
        place = np.unravel_index(np.abs(map_).argmax(), map_.shape)
        strongest = float(map_[place])
        gradient, activation = gradient[:, *place], activation[:, *place]
    if far(gradient, activation) <= OF_SLOPES * of.size:
        return None
    if probability and is_saturated(of.y):
        return saturated(of.y)
    if share(strongest, gradient, activation) <= ROUNDING:
        return None
    highest = strongest if strongest > 0 else float(map_.max())
    return by_sign(map_, highest, directed=method.directed)


def _slope(method: Method, known: Evidence) -> Gradient | None:
    """Gradient that a map was made from; None of a map that was made from none."""
    if "gradient" in method.needs:
        return known.gradient
    return known.balanced if "balanced" in method.needs else None
