"""Pictures of other bands than a photograph has, as the network takes them."""

from typing import Any

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.network import Network
from xai_heatmap.sources.band_files import bands_in
from xai_heatmap.sources.bands import PHOTOGRAPHS, checked, of_bands
from xai_heatmap.sources.image import Photograph


def banded(given: Any, network: Network) -> np.ndarray | None:
    """The picture as (c, H, W), if the network takes other bands than a photograph has.

    Raises
    ------
    BadArray
        If it is known to take so many, and the picture has others.
    """
    channels = bands_taken(network)
    if channels is None or isinstance(given, Photograph):
        return None
    array = given if isinstance(given, np.ndarray) else bands_in(given, channels)
    if array is not None and array.ndim == 4 and len(array) == 1:
        array = array[0]
    found = (
        None if array is None else of_bands(array, channels, channels_last=network.channels_last)
    )
    many = array is not None and array.ndim == 3 and not isinstance(given, np.ndarray)
    if found is None and (many or network.declared.input_shape is not None):
        received = "other bands" if array is None else f"an array of shape {array.shape}"
        raise BadArray(
            f"{network.name} takes pictures of {counted(channels, 'band')}: an array "
            f"({channels}, H, W) or "
            f"(H, W, {channels}), a .npy file of it, or a picture of so many channels; received "
            f"{received}."
        )
    return found if found is None else checked(found)


def bands_taken(network: Network) -> int | None:
    """Number of bands that the network takes, of pictures that are no photographs; else None."""
    shape = network.declared.input_shape
    channels = network.declared.channels if shape is None else shape[0]
    photographs = channels in PHOTOGRAPHS or (shape is not None and len(shape) != 3)
    return None if photographs else channels
