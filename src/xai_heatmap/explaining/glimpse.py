"""What a fused program leaves of the evidence of a map: its strongest place."""

from collections.abc import Callable
from dataclasses import dataclass

from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.fused import FORMULAS, Fused
from xai_heatmap.core.registry import Method
from xai_heatmap.explaining.forward_pass import ForwardPass, MethodRequest


@dataclass(frozen=True)
class Glimpse(Evidence):
    """Evidence of a map at its strongest place alone, (k, 1, ...), by a program that keeps no more.

    Parameters
    ----------
    whole
        Makes the evidence of the whole layer, by passes of their own.
    place
        Number of the place, counted through the grid.
    """

    whole: Callable[[], Evidence] = Evidence
    place: int = 0


def programmed(ask: MethodRequest) -> bool:
    """Whether programs compute the method with these options."""
    if ask.method.name not in FORMULAS:  # others may have options that are arrays
        return False
    taken, own = ask.method.taken, ask.options
    return all(own.get(name, option.default) == option.default for name, option in taken.items())


def glimpse(passed: ForwardPass, fused: Fused, layer: str, method: Method, row: int) -> Evidence:
    """Evidence at the strongest place of a map; of no map that is not judged."""
    places = fused.strongest.get((layer, method.name))
    if places is None:
        return Evidence()
    ones = (1,) * (fused.maps[layer, method.name].ndim - 1)

    def whole() -> Evidence:
        return passed.evidence(method.needs, row, layer, passed.slopes)  # of all layers, once

    return Glimpse(
        image=passed.x[row],
        activation=places.activation[row].reshape(-1, *ones),
        gradient=places.gradient[row].reshape(-1, *ones),
        whole=whole,
        place=int(places.place[row]),
    )
