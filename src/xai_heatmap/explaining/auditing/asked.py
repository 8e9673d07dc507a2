"""Maps that an audit makes of every picture: which methods, at which layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.layers.selection import grids, select
from xai_heatmap.core.network import INPUT, Network, Survey
from xai_heatmap.core.registry import find_method
from xai_heatmap.explaining.forward_pass import MethodRequest
from xai_heatmap.explaining.guarding import usual_request
from xai_heatmap.explaining.request import with_options

METHODS = (
    *("gradcam", "hirescam", "layercam", "gradcam_pp", "xgradcam", "eigencam", "fem"),
    *("saliency", "input_x_gradient"),
)
"""Methods where nobody says any: those of one forward and one backward pass."""

WITHOUT_GRADIENTS = ("eigencam", "fem", "occlusion")

LEVELS = 4
"""Layers where nobody says any: the last of so many grids."""

MOST_LAYERS = 48
"""Layers at which a network is looked at for dead and saturated ones."""


@dataclass(frozen=True)
class Asked:
    """What an audit asks of every picture.

    Parameters
    ----------
    requests
        Methods and their layers.
    usual
        The map that stands where nobody says method and layer, as ``method@layer``; None of a
        network without gradients or without a grid.
    layers
        Layers at which cells are looked at: dead, saturated, where they lie.
    """

    requests: tuple[MethodRequest, ...]
    usual: str | None
    layers: tuple[str, ...]

    @property
    def opened(self) -> list[str]:
        """Layers of the maps, each once."""
        return list(dict.fromkeys(name for ask in self.requests for name in ask.layers))

    @property
    def names(self) -> list[str]:
        """Every map as ``method@layer``."""
        return [f"{ask.method.name}@{layer}" for ask in self.requests for layer in ask.layers]


def asked_of(
    network: Network,
    survey: Survey,
    methods: Sequence[str] = (),
    layers: Sequence[str] = (),
    options: Mapping[str, Mapping[str, object]] | None = None,
) -> Asked:
    """What is asked of a network: methods and layers as they are said, or the usual ones.

    Raises
    ------
    UnknownMethod, UnknownLayer, NoGrid, NoRule, BadOption
        For what is not there.
    """
    chosen = list(methods) or [*(METHODS if network.differentiable else WITHOUT_GRADIENTS)]
    said = tuple(layers) not in ((), ("auto",))
    where = select(survey, list(layers)) if said else usual_layers(survey)
    requests = []
    for name in dict.fromkeys(find_method(one).name for one in chosen):
        method, own = with_options(name, (options or {}).get(name, {}), network)
        at = where
        if method.auto != "auto" and not said:
            at = select(survey, "auto", auto=method.auto)
        if "biases" in method.needs or "attentions" in method.needs:
            at = at[:1] if "biases" in method.needs else at[-1:]
        if at:
            requests.append(MethodRequest(method, own, tuple(at)))
    if not requests:
        raise BadOption(
            "No map can be made: the network has no layer with a grid, and every method needs one. "
            "Say methods that explain the picture itself, such as occlusion."
        )
    usual = usual_request(network, survey)
    known = [f"{ask.method.name}@{layer}" for ask in requests for layer in ask.layers]
    own = None if usual is None else f"{usual.method.name}@{usual.layers[0]}"
    return Asked(tuple(requests), own if own in known else None, _watched(survey))


def usual_layers(survey: Survey) -> list[str]:
    """The last layers of the coarsest grids; where there are few grids, also layers of the same
    kind as ``auto`` before it, evenly through the network.
    """
    if survey.auto is None:
        return []
    found = [name for name in survey.levels if survey.layers[name].places > 1][-LEVELS:]
    found = found if survey.auto in found else [*found, survey.auto]
    if len(found) < LEVELS - 1:
        auto = survey.layers[survey.auto]
        alike = [
            name
            for name in grids(survey)
            if survey.layers[name].kind == auto.kind and survey.layers[name].grid == auto.grid
        ]
        found += [alike[len(alike) * part // LEVELS] for part in range(1, LEVELS - 1) if alike]
    return [name for name in survey.layers if name in found]


def _watched(survey: Survey) -> tuple[str, ...]:
    """Layers with a grid, and rows of features; of very many some, evenly through the network."""
    own = [
        name
        for name, layer in survey.layers.items()
        if name != INPUT and (layer.grid is not None or len(layer.shape) == 1)
    ]
    if len(own) <= MOST_LAYERS:
        return tuple(own)
    return tuple(own[len(own) * part // MOST_LAYERS] for part in range(MOST_LAYERS))
