"""Level of a detector that a box hangs on: the layer that ``auto`` is for that box."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xai_heatmap.core.arrays import Gradients
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, NoRule
from xai_heatmap.core.network import INPUT, Layers, Survey
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.targets.target import Target
from xai_heatmap.explaining.forward_pass import MethodRequest, cotangents


@dataclass(frozen=True)
class Level:
    """Level that one target hangs on.

    Parameters
    ----------
    layer
        The head's input there; the survey's own layer where no level is the target's own.
    gradients
        Of the target, (1, k, *grid) at every layer that was opened; None where there are none.
    """

    layer: str
    gradients: Mapping[str, Gradients] | None = None


def candidates(survey: Survey, wanted: Layers, asked: Sequence[MethodRequest]) -> Sequence[str]:
    """Layers that ``auto`` is chosen from once a box is known; none where no box decides."""
    automatic = wanted == "auto" or list(np.atleast_1d(wanted)) == ["auto"]
    if not (survey.heads and automatic and any(map(_open, asked))):
        return ()
    ends = [end for own in survey.heads.values() for end in own]
    return [name for name in survey.layers if name in {*survey.heads, *ends}]


def at_level(asked: Sequence[MethodRequest], level: str) -> list[MethodRequest]:
    """Requests with that level in place of ``auto``."""
    return [replace(ask, layers=[level]) if _open(ask) else ask for ask in asked]


def levels(recording: Recording, targets: Sequence[Target], survey: Survey) -> list[Level]:
    """Levels that the targets of the pictures hang on, by one backward pass: of each the one whose
    own ends the target is made of, of several the one where a single place speaks most for it. The
    survey's own layer where there is none, or nothing tells.
    """
    usual = survey.auto or next(iter(survey.heads))
    try:
        pulled = recording.pullback(cotangents(recording.scores, targets))
    except NoRule:
        return [Level(usual)] * len(targets)

    def evidence(name: str, row: int) -> float:
        own = np.maximum(pulled[name][row], 0) * recording.activations[name][row]
        return float(own.sum(axis=0).max())

    found = list[Level]()
    for row in range(len(targets)):
        own = [
            head
            for head, ends in survey.heads.items()
            if np.any(pulled[head][row]) and any(np.any(pulled[end][row]) for end in ends)
        ]
        level = max(own, key=lambda head: evidence(head, row), default=usual)
        found.append(Level(level, {name: one[row : row + 1] for name, one in pulled.items()}))
    return found


def one_level(found: Sequence[Level]) -> str:
    """The level of all pictures, whose maps come as one array.

    Raises
    ------
    BadOption
        If they hang on several.
    """
    several = list(dict.fromkeys(one.layer for one in found))
    if len(several) > 1:
        raise BadOption(
            "One layer for all pictures is needed, and their boxes hang on "
            f"{counted(len(several), 'level')}: "
            f"{', '.join(map(repr, several))}. Name one, layer={several[0]!r}, or ask for one "
            "picture at a time."
        )
    return several[0]


def reason(survey: Survey, level: str) -> str:
    """Reason for the level of a box, in words."""
    grid, image = survey.layers[level].grid or (), survey.layers[INPUT].shape[1:]
    strides = [f"{side / places:.3g}" for side, places in zip(image, grid, strict=True)]
    stride = "x".join(dict.fromkeys(strides))
    size = "x".join(map(str, grid))
    several = len(survey.heads) > 1 and level in survey.heads
    which = f"level {[*survey.heads].index(level) + 1} of {len(survey.heads)}, " if several else ""
    return f"what the detector's head reads for this box: {which}{size} places, stride {stride}"


def _open(ask: MethodRequest) -> bool:
    return ask.method.auto == "auto"
