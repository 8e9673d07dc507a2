"""Changed inputs: what lies in a window filled in from around it, or put into another picture."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import Input
from xai_heatmap.runners.findings.pieces import Window


def hidden(x: Input, windows: Sequence[Window]) -> Input:
    """Input whose windows show what their edges let one expect.

    A place in a window is the mean of the pixels beside the window in its row and in its column,
    each the heavier the nearer; what lies in the window itself counts nothing.

    Parameters
    ----------
    x
        Input (channels, rows, columns).
    windows
        Of pixels, filled one after the other.
    """
    found = x.astype(np.float32, copy=True)
    for window in windows:
        window.of(found)[...] = _between(found, window)
    return found


def _between(x: np.ndarray, window: Window) -> np.ndarray:
    rows, columns = x.shape[1:]
    top, left, height, width = window.top, window.left, window.height, window.width
    across = slice(left, left + width)
    down = slice(top, top + height)
    far_down, far_right = np.arange(1, height + 1)[:, None], np.arange(1, width + 1)[None]
    sides: list[tuple[np.ndarray, np.ndarray]] = []
    if top > 0:
        sides.append((x[:, top - 1, across][:, None, :], 1 / far_down))
    if top + height < rows:
        sides.append((x[:, top + height, across][:, None, :], 1 / far_down[::-1]))
    if left > 0:
        sides.append((x[:, down, left - 1][:, :, None], 1 / far_right))
    if left + width < columns:
        sides.append((x[:, down, left + width][:, :, None], 1 / far_right[:, ::-1]))
    if not sides:
        return x.mean(axis=(1, 2), keepdims=True)
    total, weights = np.zeros((len(x), height, width)), np.zeros((height, width))
    for values, weight in sides:
        total += values * weight
        weights += weight
    return total / weights


def pasted(x: Input, at: Window, what: np.ndarray) -> Input:
    """Input with a piece of another one in a window of the same size."""
    found = x.astype(np.float32, copy=True)
    at.of(found)[...] = what
    return found
