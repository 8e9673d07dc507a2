"""What every backend has to hold of networks that it rewrites or runs another way before it looks
into them: the scores stay those of the model's own call.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from xai_heatmap.testing.conformance.kit import checks_of, images, network

CLOSE = 1e-4
"""How far scores may be from those of the own call, as a share of the largest."""


@runtime_checkable
class Rewritten(Protocol):
    """Models that a backend has to prepare before it can look into them."""

    def models(self) -> Mapping[str, Any]:
        """Models for pictures (3, 8, 8), each with what is special about it."""
        ...

    def own_call(self, model: Any, x: np.ndarray) -> np.ndarray:
        """Logits of pictures n c H W, as the framework itself answers them."""
        ...


def scores_are_those_of_the_own_call(kit: Rewritten) -> None:
    """Scores that a recording gives, opened at no layer and at all, are those of the own call."""
    x = images()
    for what, model in kit.models().items():
        right = kit.own_call(model, x)
        scale = np.abs(right).max()
        assert scale > 0, what
        opened = network(model)
        for layers in ((), "all"):
            found = opened.record(x, layers).scores
            np.testing.assert_allclose(found, right, atol=CLOSE * scale, err_msg=what)


CHECKS = checks_of(globals())
