"""A layer that keeps the frames of an input in the axis of its images: (n * frames, k, h, w)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Activations
from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.shapes import Float32, Shaped

ONE_PLACE = Layout("channels_first", (1, 1))


@dataclass(frozen=True)
class FoldedLayout(Layout):
    """Layout of a layer that was run on every frame; the grid is (frames, *grid of a frame).

    Parameters
    ----------
    frame
        How the output is read of one frame.
    """

    frame: Layout = ONE_PLACE

    @property
    def rows(self) -> int:
        """Number of rows of the output for one image: one for each frame."""
        return self.grid[0]

    def to_grid(self, native: Shaped[np.ndarray, "rows ..."]) -> Activations:
        """The layer's output as float32 ``n k frames *grid``."""
        own = self.frame.to_grid(native)
        return np.moveaxis(own.reshape(-1, self.rows, *own.shape[1:]), 1, 2)

    def to_native(
        self,
        activation: Float32[np.ndarray, "m k *grid"],
        *,
        like: Shaped[np.ndarray, "frames ..."],
    ) -> Shaped[np.ndarray, "rows ..."]:
        """`activation` as the layer answers it, frames among the images."""
        own = np.moveaxis(activation, 2, 1)
        rows = own.reshape(-1, *own.shape[2:])
        frames = [
            self.frame.to_native(rows[place :: self.rows], like=like[place : place + 1])
            for place in range(self.rows)
        ]
        native = np.stack(frames, axis=1)
        return np.ascontiguousarray(native.reshape(-1, *native.shape[2:]))


def folded(frame: Layout, frames: int) -> FoldedLayout:
    """The layout of a layer whose output reads so for every frame."""
    grid = (frames, *frame.grid)
    return FoldedLayout(frame.kind, grid, frame.prefix, frame.suffix, frame)


def fold(shape: Sequence[int], *, images: int, frames: int) -> int | None:
    """Number of rows of such an output for one image, if these may be frames; else None."""
    rows, rest = divmod(shape[0], images) if shape else (0, 1)
    whole = rest == 0 and rows > 1 and frames % rows == 0
    return rows if whole and len(shape) > 2 and min(shape) > 0 else None
