"""`XAIActivations`: what every filter of a layer answered, as small pictures."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from xai_heatmap.compat.layers import listed, numbered
from xai_heatmap.compat.looking import inputs, look
from xai_heatmap.compat.pictures import BlueFirst, to_cv2
from xai_heatmap.core.arrays import Activation, Gradient, ScoreRow
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.shapes import Bool
from xai_heatmap.core.targets.target import Choice
from xai_heatmap.explaining.question import Question
from xai_heatmap.networks import network
from xai_heatmap.render.colormaps import colored

FLAT = 1e-6
"""A filter whose answers differ by less, relative to the largest, says the same everywhere."""


class Tiles(list[BlueFirst]):
    """One uint8 (h, w, 3) picture for each filter, from its own lowest to its own highest value.

    Attributes
    ----------
    channels
        Which filter each tile shows.
    dead
        The filters of the layer, on this page or not, that answer the same at every place; their
        tiles are black.
    pages
        How many pages there are.
    """

    def __init__(
        self,
        tiles: Iterable[BlueFirst],
        *,
        channels: Sequence[int],
        dead: frozenset[int],
        pages: int = 1,
    ) -> None:
        super().__init__(tiles)
        self.channels = tuple(channels)
        self.dead = dead
        self.pages = pages


class XAIActivations:
    """The filters of the layers given, as tiles.

    Parameters
    ----------
    model, layers
        As for `XAIHeatmap`.
    target
        What filters are ranked for; the prediction, if not given.
    """

    def __init__(
        self, model: Any, layers: Any, *, target: Choice | int | str | None = None
    ) -> None:
        self.model = model
        self.layers = listed(layers)
        self.target = target
        self._network = network(model)

    def runTool(
        self,
        img_tensor: Any,
        layer_num: int,
        *,
        rank: bool = False,
        page: int | None = None,
        per_page: int = 100,
    ) -> Tiles:
        """A tile for each filter of the layer, for the first image of the batch.

        Parameters
        ----------
        img_tensor, layer_num
            As for `XAIHeatmap.runTool`; the tensor is only read.
        rank
            True: the filters that did most for the target come first, by |w_k| · mean(A_k), w_k
            the mean gradient; dead ones come last. False: in the layer's own order.
        page, per_page
            Which part of the tiles is made, from 0; all of them, if not given.
        """
        x = inputs(img_tensor, self._network)[:1]
        asked = look(self._network, x, numbered(self.layers, layer_num), target=self.target)
        return tiles(*asked, rank=rank, page=page, per_page=per_page)


def tiles(
    question: Question,
    layer: str,
    *,
    rank: bool = False,
    page: int | None = None,
    per_page: int = 100,
) -> Tiles:
    """The tiles of one picture at one layer, as `XAIActivations.runTool` gives them."""
    activation = question.recording.activations[layer][0]
    dead = flat(activation)
    order = np.arange(len(activation))
    if rank:
        order = np.lexsort((-importance(activation, question.gradients[layer][0]), dead))
    chosen, pages = _page(order, page, per_page)
    return Tiles(
        pictures(activation[chosen], dead[chosen]),
        channels=chosen.tolist(),
        dead=frozenset(np.flatnonzero(dead).tolist()),
        pages=pages,
    )


def importance(activation: Activation, gradient: Gradient) -> ScoreRow:
    """|w_k| · mean(A_k),  w_k = mean of ∂y/∂A_k over the grid."""
    axes = tuple(range(1, activation.ndim))
    return np.abs(gradient.mean(axis=axes)) * activation.mean(axis=axes)


def flat(activation: Activation) -> Bool[np.ndarray, " k"]:
    """Mask of the filters that answer the same at every place, with nothing to see."""
    rows = activation.reshape(len(activation), -1)
    low, high = rows.min(axis=1), rows.max(axis=1)
    return high - low <= FLAT * np.maximum(np.abs(low), np.abs(high))


def pictures(activation: Activation, dead: Bool[np.ndarray, " k"]) -> list[BlueFirst]:
    """Each filter from its lowest value, dark, to its highest, bright; dead ones black."""
    k, h, w = activation.shape
    low, high = (edge(axis=(1, 2), keepdims=True) for edge in (activation.min, activation.max))
    spread = np.where(dead[:, None, None], 1, high - low).astype(np.float32)
    share = (activation - low) / spread
    painted = to_cv2(colored(share.reshape(k * h, w), colormap="viridis")).reshape(k, h, w, 3)
    painted[dead] = 0
    return list(painted)


def _page(order: np.ndarray, page: int | None, per_page: int) -> tuple[np.ndarray, int]:
    if per_page < 1:
        raise BadOption(f"A page holds at least one tile; received per_page={per_page}.")
    if page is None:
        return order, 1
    pages = math.ceil(len(order) / per_page)
    if not 0 <= page < pages:
        raise BadOption(
            f"There are {counted(pages, 'page')} of {counted(per_page, 'tile')}, 0 to "
            f"{pages - 1}; received page={page}."
        )
    return order[page * per_page : (page + 1) * per_page], pages
