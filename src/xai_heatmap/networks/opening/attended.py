"""Softmaxes of a network that attend to the picture, and the rows that carry gradient; cached."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Native, Scores
from xai_heatmap.core.attention import Block, blocks
from xai_heatmap.networks.opening.interfaces import Recorded
from xai_heatmap.networks.opening.recent import Recent

PATTERNS = 256
"""Most questions whose read rows are cached."""


@dataclass(frozen=True)
class Attended:
    """Cache of a network's attention, kept with the model: softmaxes and rows that count.

    Parameters
    ----------
    used
        By kind of input, the softmaxes that count.
    rows
        By kind of input and the scores that are explained, which rows of the last of them carry
        gradient.
    """

    used: MutableMapping[Any, frozenset[str]] = field(default_factory=Recent)
    rows: MutableMapping[Any, np.ndarray] = field(default_factory=lambda: Recent(PATTERNS))

    def only(self, key: Any, recorded: Recorded, noise: Callable[[int], Recorded]) -> Recorded:
        """Restrict a recording to the softmaxes that depend on the picture (told by two pictures of
        noise) and that reach the scores (told by a backward pass from all scores).
        """
        if key not in self.used:
            self.used[key] = _used(noise(0), noise(1))
        used = self.used[key]
        outputs = {name: own for name, own in recorded.outputs.items() if name in used}
        return replace(recorded, outputs=outputs)

    def blocks(
        self,
        key: Any,
        recorded: Recorded,
        cotangent: Scores,
        native: Native,
        *,
        images: int,
        name: str,
    ) -> list[Block]:
        """Attention blocks with lazy gradients, for the map, or to find the rows from which the
        network reads the explained scores.
        """
        gradients = _once(lambda: recorded.pullback(native))
        names = list(recorded.outputs)

        def pulled() -> list[np.ndarray]:
            own = gradients()
            return [own[name] for name in names]

        found = blocks(recorded.outputs.values(), pulled, images=images, name=name)
        keys = [(key, (row != 0).tobytes()) for row in cotangent]
        if any(one not in self.rows for one in keys):
            for one, rows in zip(keys, found[-1].rows, strict=True):
                if rows.any():
                    self.rows[one] = rows
        if all(one in self.rows for one in keys):
            known = np.stack([self.rows[one] for one in keys])
            found[-1] = replace(found[-1], known=known)
        return found


def _once(pull: Callable[[], Mapping[str, Native]]) -> Callable[[], Mapping[str, Native]]:
    return cache(pull)


def _used(one: Recorded, other: Recorded) -> frozenset[str]:
    moving = {
        name
        for name, own in one.outputs.items()
        if name not in other.outputs
        or own.shape != other.outputs[name].shape
        or not np.allclose(own, other.outputs[name], rtol=1e-4, atol=1e-7)
    }
    if not moving:
        return frozenset(one.outputs)
    seeds = np.random.default_rng(0).normal(size=one.scores.shape).astype(np.float32)
    pulled = one.pullback(seeds)
    return frozenset({name for name in moving if np.any(pulled[name])} or moving)
