"""Fused programs as a network offers them, which most networks have none of."""

from collections.abc import Hashable, Sequence

import numpy as np

from xai_heatmap.core.arrays import Inputs, Native
from xai_heatmap.core.fused import Fused, Pull, Seed, Seeds
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.targets.answer import Meaning


class Programmable:
    """Network of which programs can be asked; this one has none."""

    def answering(self, shape: Sequence[int]) -> tuple[int, Meaning] | None:
        """Scores of each image and their scale, as far as they are known before a pass, of a
        network that has fused programs for pictures of `shape`; else None.
        """
        return None

    def fused(
        self, x: Inputs, keys: Sequence[tuple[str, str]], seeds: Seeds, *, judged: bool = False
    ) -> Fused | None:
        """Maps by layer and formula from one program that runs forwards and backwards; with
        `judged` also what a verdict needs. None where there is no such program.
        """
        return None

    def mapping(
        self, x: Inputs, keys: Sequence[tuple[str, str]], *, judged: bool = False
    ) -> tuple[Recording, Pull] | None:
        """One forward pass, opened at no layer, and a way back that ends in maps by layer and
        formula, for any number of targets. None where the network has no such program.
        """
        return None

    def remember(
        self, question: Hashable, x: Native, keys: Sequence[tuple[str, str]], seed: Seed
    ) -> None:
        """Keep how a question was answered by a program, of a network that has any."""

    def again(self, question: Hashable, x: Native) -> Sequence[np.ndarray] | None:
        """Maps of a question that was asked before and is remembered; else None."""
        return None
