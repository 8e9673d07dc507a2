"""From what a caller puts into `layers` to the name of one layer."""

import operator
from collections.abc import Sequence
from typing import Any

from xai_heatmap.backends.opened import OpenedNetwork
from xai_heatmap.core.errors import UnknownLayer
from xai_heatmap.core.network import Network
from xai_heatmap.core.selection import select


def listed(layers: Any) -> list[Any]:
    """The layers as a list; a single name is a list of one, not of its letters."""
    return [layers] if isinstance(layers, str) else list(layers)


def numbered(layers: Sequence[Any], number: int) -> Any:
    """The layer of that number; negative ones count from the end.

    Raises
    ------
    UnknownLayer
        For a number beyond the list.
    """
    place = operator.index(number)
    if not -len(layers) <= place < len(layers):
        raise UnknownLayer(
            f"There is no layer number {place}: {len(layers)} layers were given, so it is from "
            f"{-len(layers)} to {len(layers) - 1}."
        )
    return layers[place]


def layer_name(network: Network, shape: Sequence[int], wanted: Any) -> str:
    """The full name of one layer with a grid, for inputs of `shape` (c, H, W).

    Parameters
    ----------
    wanted
        A name, ``auto``, or the layer itself: a Keras layer, a torch module.
    """
    said = wanted if isinstance(wanted, str | int) else _path(network, wanted)
    names = select(network.survey(shape), said)
    if len(names) != 1:
        raise UnknownLayer(
            f"One layer is needed; {wanted!r} names {len(names)}: {', '.join(names[:5])}"
            f"{', ...' if len(names) > 5 else ''}. Put each into `layers` by its own name."
        )
    return names[0]


def _path(network: Network, layer: object) -> str:
    parts = network._adapter.parts() if isinstance(network, OpenedNetwork) else {}  # noqa: SLF001 - an opened network lists its parts nowhere else
    for path, part in parts.items():
        if part is layer:
            return path
    raise UnknownLayer(
        f"A layer is given by its name or as the object itself; this {type(layer).__name__} is no "
        f"part of {network.name}. `xai_heatmap.network(model).layers` lists the names."
    )
