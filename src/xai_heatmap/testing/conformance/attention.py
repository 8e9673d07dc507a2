"""What every backend has to hold of transformers: attention, its gradient, and the maps made of
them are those of plain numbers.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.testing import oracles
from xai_heatmap.testing.conformance.kit import checks_of, maps, native
from xai_heatmap.testing.networks.tokens import CLASSES, GRID, HEADS, PATCH, SHAPE, images

POOLS = ("token", "mean")
"""What the scores are read off: the class token, or the mean of the other tokens."""

TARGET = 2


@runtime_checkable
class Attention(Protocol):
    """A small transformer whose weights are known."""

    def attending(self, pool: str) -> tuple[Any, Mapping[str, np.ndarray]]:
        """The network of `oracles.small_vit_by_loops` for pictures of `tokens.SHAPE`, and its
        weights.

        They are ``patches``, ``blocks.N.norm1``, ``.qkv``, ``.out``, ``.norm2``, ``.wide`` and
        ``.narrow`` for N in 0 and 1, ``norm`` and ``head``, each with ``.weight`` (out, in, ...)
        and ``.bias``; ``token`` (1, 1, width) and ``position`` (1, tokens, width).
        """
        ...


def opened(model: Any) -> Any:
    """The model, opened for pictures of `tokens.SHAPE`."""
    return xh.network(model, image_shape=SHAPE)


def plain(
    weights: Mapping[str, np.ndarray], x: np.ndarray, pool: str, frozen: Any = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Scores of one picture and what the pass used, in double precision."""
    wide = {name: value.astype(np.float64) for name, value in weights.items()}
    return oracles.small_vit_by_loops(
        wide, x.astype(np.float64), heads=HEADS, patch=PATCH, pool=pool, frozen=frozen
    )


def seed(target: int) -> np.ndarray:
    """Cotangent (1, classes) of one class."""
    return np.eye(CLASSES, dtype=np.float32)[[target]]


def attention_and_its_gradient_are_those_of_plain_numbers(kit: Attention) -> None:
    """Every block's softmax, and the score's slope along it at places of each head, are those of
    differences.
    """
    step, tokens = 1e-5, 1 + GRID[0] * GRID[1]
    for pool in POOLS:
        model, weights = kit.attending(pool)
        x = images(1)
        recording = opened(model).record(x, at=["input"])
        scores, used = plain(weights, x[0], pool)
        np.testing.assert_allclose(recording.scores[0], scores, atol=1e-4)
        found = recording.attentions(seed(TARGET))
        assert len(found) == 2
        for number, block in enumerate(found):
            name = f"blocks.{number} A"
            np.testing.assert_allclose(block.weights[0], used[name], atol=1e-5)
            wanted = np.zeros_like(used[name])
            for place in _places(tokens):
                ends = []
                for sign in (1, -1):
                    moved = {name: used[name].copy()}
                    moved[name][place] += sign * step
                    ends.append(plain(weights, x[0], pool, moved)[0][TARGET])
                wanted[place] = (ends[0] - ends[1]) / (2 * step)
            atol = 2e-5 * (1 + np.abs(wanted).max())
            for place in _places(tokens):
                assert block.gradients[0][place] == pytest.approx(wanted[place], abs=atol), place
            assert np.abs(wanted).max() > 1e-2


def _places(tokens: int) -> list[tuple[int, int, int]]:
    """Head, row and column of some entries of attention."""
    rows, columns = (0, 3, tokens - 1), (0, 7)
    return [(h, i, j) for h in range(HEADS) for i in rows for j in columns]


def rollout_is_that_of_plain_numbers(kit: Attention) -> None:
    """Rollout is the product of the softmaxes, half of each the identity, in the rows read."""
    for pool in POOLS:
        model, weights = kit.attending(pool)
        network, x = opened(model), images(2)
        found = maps(network, native(network, x), method="rollout", target=TARGET)
        assert found.shape == (2, *GRID)
        for map_, picture in zip(found, x, strict=True):
            _, used = plain(weights, picture, pool)
            blocks = [used[f"blocks.{number} A"] for number in range(2)]
            wanted = oracles.rollout_by_loops(blocks, _read(pool), map_.size).reshape(GRID)
            np.testing.assert_allclose(map_, wanted, atol=1e-5 * np.abs(wanted).max())


def attention_relevance_is_that_of_plain_numbers(kit: Attention) -> None:
    """Relevance is made of the oracle's softmaxes and the gradients of a recording, which another
    check holds.
    """
    for pool in POOLS:
        model, weights = kit.attending(pool)
        network, x = opened(model), images(2)
        found = maps(network, native(network, x), method="attention_relevance", target=TARGET)
        assert found.shape == (2, *GRID)
        for row, map_ in enumerate(found):
            own = network.record(x[row : row + 1], at=["input"]).attentions(seed(TARGET))
            _, used = plain(weights, x[row], pool)
            blocks = [used[f"blocks.{number} A"] for number in range(2)]
            gradients = [block.gradients[0] for block in own]
            wanted = oracles.attention_relevance_by_loops(
                blocks, gradients, _read(pool), map_.size
            ).reshape(GRID)
            assert np.abs(wanted).max() > 0
            np.testing.assert_allclose(map_, wanted, atol=1e-4 * np.abs(wanted).max())


def _read(pool: str) -> np.ndarray:
    """Share of the scores that is read off each token."""
    read = np.full(1 + GRID[0] * GRID[1], float(pool == "mean"))
    read[0] = float(pool == "token")
    return read


CHECKS = checks_of(globals())
