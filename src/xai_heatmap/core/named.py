"""Layers by the objects that they are, as scripts hold them: ``model.layer4[-1]``."""

import operator
from collections.abc import Collection
from typing import cast

from xai_heatmap.core.errors import UnknownLayer
from xai_heatmap.core.network import Layers, Network


def named(network: Network, wanted: object) -> Layers:
    """Wanted layers by name, in place of the layer objects; names stay as they are.

    Raises
    ------
    UnknownLayer
        For an object that is no part of the network.
    """
    plain_list = isinstance(wanted, list | tuple)  # no part of a network, which need not be walked
    if isinstance(wanted, str) or not (plain_list or network.name_of(wanted) is None):
        return _name(network, wanted)
    if isinstance(wanted, Collection):
        each = cast("Collection[object]", wanted)
        return [_name(network, one) for one in each]
    return _name(network, wanted)


def _name(network: Network, wanted: object) -> str | int:
    if isinstance(wanted, str | bool):
        return wanted
    try:
        return operator.index(wanted)  # type: ignore[arg-type] - a number of any library
    except TypeError:
        found = network.name_of(wanted)
    if found is None:
        raise UnknownLayer(
            "A layer is given by name, glob, index or as the object itself; this "
            f"{type(wanted).__name__} is no part of {network.name}. Take it from the very model "
            "that is explained, not from a copy; xai_heatmap.network(model).layers lists the names."
        )
    return found
