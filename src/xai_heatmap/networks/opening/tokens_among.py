"""Tokens of no place that stand among the patches, found by the changes of a picture's spots."""

import numpy as np

from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.networks.opening.changes import Changes, Moves
from xai_heatmap.networks.opening.layout_probe import ALIKE, likeness

BETTER = 0.05
"""Excess correlation from which tokens of no place count as standing among the patches."""


def among(own: Layout, seen: Moves, known: Changes | None) -> bool:
    """Whether tokens of no place stand among the patches: with as many tokens taken out there,
    what changes goes with what is `known` of the grid clearly more than at either end.
    """
    beside = own.prefix + own.suffix
    if seen.last is None or seen.silent or not beside or known is None:
        return False
    changes, places = seen.last[0], known.ravel()
    ends = (likeness(changes[at : at + len(places)], places) for at in range(beside + 1))
    inside = (
        likeness(np.delete(changes, slice(at, at + beside)), places) for at in range(1, len(places))
    )
    found = max(inside, default=0.0)
    return found >= ALIKE and found > max(ends) + BETTER
