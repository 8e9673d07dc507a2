"""Maps as they stand while a dear method is still at work, for a page that waits."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.so_far import waiting
from xai_heatmap.runners.grid import Grid
from xai_heatmap.runners.looking.packet import Facts
from xai_heatmap.runners.looking.pictures import Picture
from xai_heatmap.sinks.store.levels import packed

Hear = Callable[[Callable[[], Facts]], None]
"""Is given a way to the facts of the map as it stands, which need not be gone."""


@contextmanager
def standing(grid: Grid, picture: Picture, hear: Hear | None) -> Iterator[None]:
    """A block in which a method says what its map is meanwhile.

    Nothing is said of a method of other methods' maps, such as a smoothed one, as each of those is
    only a part of it; of maps of every channel; and of a picture that went in flipped or turned.
    """
    ((name, options),) = grid.options.items()
    geometry = grid.given.geometry
    turned = geometry is not None and geometry.matrix is not None
    if hear is None or ":" in name or turned or options.get("channels") == "each":
        yield
        return
    signed = find_method(name).signed
    with waiting(lambda map_: hear(lambda: _facts(map_(), grid, picture, signed=signed))):
        yield


def _facts(map_: Map, grid: Grid, picture: Picture, *, signed: bool) -> Facts:
    """A map in levels, as text, and where it lies on the picture."""
    kept = packed(np.ascontiguousarray(map_, np.float32))
    geometry = grid.given.geometry
    over = geometry is not None and geometry.image_size == picture.given.shape[:2]
    return {
        "shape": list(map_.shape),
        "lo": kept.low,
        "hi": kept.high,
        "signed": signed,
        "box": list(geometry.box) if geometry is not None and over else None,
        "data": base64.b64encode(kept.data).decode(),
    }
