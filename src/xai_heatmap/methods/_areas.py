"""The user's own regions, covered and shown as blocks of a grid are."""

from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.shapes import Float32, Float64

Shares = Float32[np.ndarray, "regions *grid"]
"""How much of each place each region covers, in [0, 1]."""


@dataclass(frozen=True)
class Areas:
    """Regions of a grid that are covered independently of each other.

    Parameters
    ----------
    shares
        Of each place, how much each region covers.
    """

    shares: Shares

    @property
    def count(self) -> int:
        """How many regions there are."""
        return len(self.shares)

    def drawn(self, values: Float64[np.ndarray, " regions"]) -> Float32[np.ndarray, "*grid"]:
        """A mask that shows of each region as much as its value says, and everything else whole;
        where regions lie over each other, what both show.
        """
        mask = np.ones(self.shares.shape[1:], np.float32)
        for share, value in zip(self.shares, values, strict=True):
            mask *= 1 - share * np.float32(1 - value)
        return mask

    def spread(self, values: Float64[np.ndarray, " regions"]) -> Float32[np.ndarray, "*grid"]:
        """Each region's value at all of its places, the mean where several cover one; 0 where none
        does.
        """
        total = np.einsum("r,r...->...", np.asarray(values, np.float64), self.shares)
        covering = self.shares.sum(axis=0, dtype=np.float64)
        return np.divide(total, covering, out=np.zeros_like(total), where=covering > 0).astype(
            np.float32
        )

    def gathered(self, map_: Float32[np.ndarray, "*grid"]) -> list[float]:
        """The mean of a map over each region."""
        return [
            float((map_ * share).sum(dtype=np.float64) / share.sum(dtype=np.float64))
            for share in self.shares
        ]


def alone(regions: Shares, **others: object) -> Areas:
    """Regions, where nothing was said of windows or cells beside them.

    Raises
    ------
    BadOption
        If something was: regions stand in their place.
    """
    for name, value in others.items():
        if value:
            raise BadOption(
                f"regions= says what is covered, and stands in the place of {name}={value}. Leave "
                f"{name} out."
            )
    return Areas(regions)
