"""From what a caller puts into `layers` to the name of one layer."""

import operator
from collections.abc import Sequence
from typing import Any

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import UnknownLayer
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.named import named
from xai_heatmap.core.network import Network


def listed(layers: Any) -> list[Any]:
    """The layers as a list; a single name is a list of one, not of its letters."""
    return [layers] if isinstance(layers, str) else list(layers)


def numbered(layers: Sequence[Any], number: Any) -> Any:
    """The layer of that number; negative ones count from the end.

    Raises
    ------
    UnknownLayer
        For a number beyond the list, and for whatever is no number.
    """
    try:
        place = operator.index(number)
    except TypeError:
        raise UnknownLayer(
            f"layer_num is the place of a layer in `layers`, 0 for the first; received {number!r}. "
            "Of a layer's name, write layers.index(name), or camXAITool(cv2img, img_tensor, model, "
            "layer_name)."
        ) from None
    if not layers:
        raise UnknownLayer("The list of layers is empty. Give at least one, such as ['auto'].")
    if not -len(layers) <= place < len(layers):
        raise UnknownLayer(
            f"There is no layer number {place}: "
            f"{counted(len(layers), 'layer was given', 'layers were given')}, so it is from "
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
    names = select(network.survey(shape), named(network, wanted))
    if len(names) != 1:
        raise UnknownLayer(
            f"One layer is needed; {wanted!r} names {len(names)}: {', '.join(names[:5])}"
            f"{', ...' if len(names) > 5 else ''}. Put each into `layers` by its own name."
        )
    return names[0]
