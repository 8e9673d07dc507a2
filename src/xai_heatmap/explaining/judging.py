"""Worth of a map, by what it was made from: by its strongest place where that tells enough."""

import numpy as np

from xai_heatmap.core.arrays import Gradient, Map
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.moves import far
from xai_heatmap.core.reach import OF_SLOPES, Terms, reach
from xai_heatmap.core.registry import Method
from xai_heatmap.core.verdict import Verdict, verdict
from xai_heatmap.explaining.glimpse import Glimpse


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
    if isinstance(known, Glimpse):
        seen = _at_strongest(map_, method, known, of, probability=probability)
        if seen is not None:
            return seen
        known = known.whole()
    return verdict(
        map_,
        gradient=_slope(method, known),
        activation=known.activation if "activation" in method.needs else None,
        score=of.y,
        probability=probability,
        directed=method.directed,
        reach=reach(map_, method, known, of),
    )


def _at_strongest(
    map_: Map, method: Method, known: Glimpse, of: Terms, *, probability: bool
) -> Verdict | None:
    """Verdict by the strongest place; None where that moves the explained number by no more than
    rounding: then the whole layer decides. Where it does, nothing but the map's sign is left.
    """
    strongest = map_.flat[known.place]
    gradient, activation = known.gradient, known.activation
    if gradient is None or activation is None or of.flat:
        return None
    if abs(strongest) < max(map_.max(), -map_.min()):
        return None
    if far(gradient, activation) <= OF_SLOPES * of.size:  # else it reaches far enough
        return None
    at, same = np.full((1,) * map_.ndim, strongest), {"score": of.y, "probability": probability}
    found = verdict(at, gradient=gradient, activation=activation, **same)
    if found.word not in ("ok", "no_positive_evidence"):
        return found if found.word == "saturated" else None
    return verdict(map_, gradient=None, directed=method.directed, **same)


def _slope(method: Method, known: Evidence) -> Gradient | None:
    """Gradient that a map was made from; None of a map that was made from none."""
    if "gradient" in method.needs:
        return known.gradient
    return known.balanced if "balanced" in method.needs else None
