"""What every backend has to hold of networks that score every place: a region's gradient is that
by hand, and its map lies where the region looks.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.testing.conformance.kit import checks_of, maps, native
from xai_heatmap.testing.networks.colours import BIAS, CLASSIFY, GREEN, NEAR, RED, SIDE, scene

SHAPE = (3, SIDE, SIDE)


@runtime_checkable
class Segmentation(Protocol):
    """One network that scores every place."""

    def segmenting(self) -> Any:
        """The network that `testing.networks.colours` describes, for pictures of `SHAPE`.

        It answers n classes H W, or n H W classes where channels come last; a softmax over the
        classes may close it.
        """


def pictures() -> np.ndarray:
    """Two pictures n c H W, the second mirrored and with its colours exchanged; the noise on both
    shuts some of the ReLUs.
    """
    both = np.stack([scene(), scene()[[1, 0, 2], :, ::-1]])
    return both + np.random.default_rng(0).normal(0, 0.5, both.shape).astype(np.float32)


def regions() -> dict[str, np.ndarray]:
    """Masks (H, W), of which none is its own mirror or lies on the diagonal."""
    masks = {name: np.zeros((SIDE, SIDE), np.float32) for name in ("place", "corner", "block")}
    masks["place"][3, 8] = masks["corner"][0, SIDE - 1] = masks["block"][2:5, 3:9] = 1
    return masks


def _near(x: np.ndarray, colour: int, row: int, column: int) -> float:
    """The mean of a colour around a place, before its ReLU."""
    return float(NEAR) * sum(
        float(x[colour, i, j])
        for i in range(max(row - 1, 0), min(row + 2, SIDE))
        for j in range(max(column - 1, 0), min(column + 2, SIDE))
    )


def scores_by_loops(x: np.ndarray) -> np.ndarray:
    """Scores (classes, H, W) of one picture."""
    found = np.zeros((len(BIAS), SIDE, SIDE))
    for index, row, column in np.ndindex(*found.shape):
        seen = [max(_near(x, colour, row, column), 0.0) for colour in range(3)]
        found[index, row, column] = float(BIAS[index]) + sum(
            float(CLASSIFY[index, colour]) * seen[colour] for colour in range(3)
        )
    return found


def slope_by_loops(x: np.ndarray, index: int, mask: np.ndarray) -> np.ndarray:
    """Gradient (c, H, W) of a class's mean score over the places of a mask."""
    found = np.zeros(x.shape)
    places = [(int(i), int(j)) for i, j in np.argwhere(mask)]
    for row, column in places:
        for colour in range(3):
            if _near(x, colour, row, column) <= 0:
                continue
            share = float(CLASSIFY[index, colour]) * float(NEAR) / len(places)
            for i in range(max(row - 1, 0), min(row + 2, SIDE)):
                for j in range(max(column - 1, 0), min(column + 2, SIDE)):
                    found[colour, i, j] += share
    return found


def _opened(kit: Segmentation) -> Any:
    """The kit's network, opened for pictures of `SHAPE`."""
    return xh.network(kit.segmenting(), image_shape=SHAPE)


def scores_of_every_place_are_those_by_hand(kit: Segmentation) -> None:
    """Scores are logits, class by class and place by place."""
    network, x = _opened(kit), pictures()
    recording = network.record(x)
    wanted = np.stack([scores_by_loops(one).ravel() for one in x])
    assert recording.meaning == "logits"
    np.testing.assert_allclose(recording.scores, wanted, atol=1e-5)


def the_gradient_of_a_region_is_that_by_hand(kit: Segmentation) -> None:
    """Saliency, and the input times its gradient, of a class over a region are those by hand."""
    network, x = _opened(kit), pictures()
    for name, mask in regions().items():
        for index in (RED, GREEN):
            slopes = np.stack([slope_by_loops(one, index, mask) for one in x])
            wanted = {
                "saliency": np.abs(slopes).max(axis=1),
                "input_x_gradient": (slopes * x).sum(1),
            }
            for method, right in wanted.items():
                ask = {"method": method, "layer": "input", "target": xh.region(index, mask)}
                found = maps(network, native(network, x), **ask)
                assert np.abs(right).max() > 0, (name, index, method)
                np.testing.assert_allclose(found, right, atol=1e-6, err_msg=f"{name} {method}")


def the_map_lies_where_the_region_looks(kit: Segmentation) -> None:
    """Heat at the pixels, and at the layer that `auto` takes, lies within the region's reach, and
    the region's score is its places' mean.
    """
    network, x = _opened(kit), pictures()
    for name, mask in regions().items():
        places = np.argwhere(mask)
        away = np.abs(np.indices(mask.shape)[:, None] - places.T[:, :, None, None])
        reach = (away.max(axis=0) <= 1).any(axis=0)
        for method, layer in (("saliency", "input"), ("hirescam", "auto")):
            ask = {"method": method, "layer": layer, "target": xh.region(RED, mask)}
            found = np.abs(maps(network, native(network, x), **ask))
            assert found.shape == (len(x), SIDE, SIDE)
            for own in found:
                assert own[reach].max() > 0, (name, method)
                assert own[~reach].max() == 0, (name, method)
        explained = xh.explain(
            network, native(network, x)[0], target=xh.region(RED, mask), method="saliency"
        )
        wanted = scores_by_loops(x[0])[RED][mask > 0].mean()
        assert explained.score == pytest.approx(wanted, abs=1e-5), name


CHECKS = checks_of(globals())
