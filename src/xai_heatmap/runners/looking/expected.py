"""Passes that a method is expected to take, for a bar of progress; None where nobody knows."""

from collections.abc import Mapping, Sequence

from xai_heatmap.core.network import Survey
from xai_heatmap.core.registry import Method

COUNTED = ("samples", "steps")
"""Options that count pictures that go through the network."""


def expected(
    method: Method, options: Mapping[str, object], layers: Sequence[str], survey: Survey
) -> int | None:
    """Pictures and activations that go through the network for maps of a method at these layers.

    Of methods that run the head without saying how often: one for each feature map, which is the
    most that they take.
    """
    said = {**method.options, **options}
    for name in COUNTED:
        number = said.get(name)
        if isinstance(number, int) and not isinstance(number, bool):
            return number * len(layers)
    if "head" in method.needs:
        known = [survey.layers[name].shape[0] for name in layers if name in survey.layers]
        return sum(known) if len(known) == len(layers) else None
    return None
