"""The gradient itself, with its sign: which way the score would go with each pixel."""

from xai_heatmap.core.arrays import Gradient
from xai_heatmap.core.registry import method
from xai_heatmap.methods._channels import Answer, Channels, added


@method(
    cite="baehrens2010gradient",
    use_when="you ask which way the score would go if a pixel were brighter, in one backward pass",
    signed=True,
    auto="input",
)
def gradient(gradient: Gradient, *, channels: Channels = "joined") -> Answer:
    """Σ_c ∂y/∂x_c.

    The sum over channels is what the score would do if all of a pixel rose together, by as much
    after preprocessing. Channels that pull against each other cancel out: ``saliency`` shows the
    strongest of them without its sign, and ``channels="each"`` a map for each.

    Examples
    --------
    >>> import numpy as np
    >>> gradient(np.array([[[1, -2]], [[-3, 0]]], np.float32))
    array([[-2., -2.]], dtype=float32)
    """
    return added(gradient, channels)
