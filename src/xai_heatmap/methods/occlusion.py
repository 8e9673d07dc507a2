"""Occlusion: what the score loses when a window is covered."""

from collections.abc import Iterator, Sequence
from itertools import chain, product
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation, Map, Values
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.filling import Regions
from xai_heatmap.core.options import PerAxis, Within, per_axis
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.core.so_far import telling
from xai_heatmap.methods._areas import Shares, alone
from xai_heatmap.methods._baseline import Baseline, baseline
from xai_heatmap.methods._channels import Channels

Window = tuple[slice, ...]

OfChannels = slice | int
"""All feature maps, or one."""

PARTS = 8
"""Windows side by side along each axis where their size is left open."""

COVERED = "axes that a window covers whole"
"""A figure: along so many axes the map can't tell places apart."""


@method(
    cite="zeiler2014occlusion",
    use_when="you want what anyone can check by hand: cover it, and see what the score does",
    signed=True,
    passes="1 for every window",
    auto="input",
)
def occlusion(
    activation: Activation,
    head: Scored,
    *,
    window: Annotated[int | tuple[int, ...], Within(0), PerAxis()] = 0,
    stride: Annotated[int | tuple[int, ...], Within(0), PerAxis()] = 0,
    fill: Baseline = "zero",
    regions: Annotated[Shares | None, Regions()] = None,
    channels: Channels = "joined",
) -> MethodResult:
    """mean of y(x) - y(x with window W covered) over the windows W that cover a place.

    `window` and `stride` count places of the grid, one number for all of its axes or one for each;
    0 stands for an eighth of each axis and for half a window, at least one place: 225 passes for
    any picture, 225 for every frame of a short video. Covered places show `fill`: ``zero`` is 0
    after preprocessing, ``mean`` the picture's mean colour, ``blur`` the picture without detail; or
    a number, an array, or another picture (``activation_of``). What stands twice in the picture can
    be covered once without loss. Along an axis that a window covers whole the map tells nothing
    apart; the verdict counts such axes.

    With `regions`, a label image or masks, each of them is covered once in place of windows: what
    the score loses without this segment, organ or superpixel. ``channels="each"`` covers one
    channel at a time, which gives a map for each.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1, 2, 0, 5]], np.float32)
    >>> head = lambda many: np.array([x.sum() for x in many])
    >>> occlusion(x, head, window=2, stride=1).map
    array([3. , 2.5, 3.5, 5. ], dtype=float32)
    """
    grid = activation.shape[1:]
    covers = baseline(activation, fill)
    each = channels == "each"
    which: list[OfChannels] = [*range(len(activation))] if each else [slice(None)]
    if regions is not None:
        return _of_regions(activation, head, covers, regions, which, window=window, stride=stride)
    sizes, steps = _sizes(grid, window, stride)
    windows = list(_windows(grid, sizes, steps))
    covered = (_covered(activation, covers, own, w) for own in which for w in windows)
    times = np.zeros(grid)
    for w in windows:
        times[w] += 1
    at = [(place, *w) for place in range(len(which)) for w in windows]

    def map_of(values: Values) -> Map:
        losses = np.zeros((len(which), *grid))
        for place, value in zip(at, values[1:], strict=False):  # some are still to come
            losses[place] += float(values[0]) - float(value)
        found = (losses / times).astype(np.float32)
        return found if each else found[0]

    map_ = map_of(telling(head, map_of)(chain([activation], covered)))
    whole_axes = sum(size >= length > 1 for size, length in zip(sizes, grid, strict=True))
    figures = {COVERED: float(whole_axes)} if whole_axes else {}
    return MethodResult(map_, figures)


def _of_regions(
    activation: Activation,
    head: Scored,
    covers: Activation,
    regions: Shares,
    which: Sequence[OfChannels],
    **windows: object,
) -> MethodResult:
    """What the score loses without each region, at all of its places."""
    areas = alone(regions, **windows)
    covered = (_hidden(activation, covers, own, share) for own in which for share in areas.shares)
    whole, *values = head(chain([activation], covered))
    losses = (float(whole) - np.array(values, np.float64)).reshape(len(which), -1)
    maps = [areas.spread(own) for own in losses]
    joined = isinstance(which[0], slice)
    return MethodResult(maps[0] if joined else np.stack(maps), {}, losses.sum(axis=0).tolist())


def _sizes(
    grid: Sequence[int], window: int | Sequence[int], stride: int | Sequence[int]
) -> tuple[Sequence[int], Sequence[int]]:
    """Window and stride along each axis, those left open chosen by its length."""
    windows = [
        own or max(round(length / PARTS), 1)
        for own, length in zip(per_axis(window, len(grid), name="window"), grid, strict=True)
    ]
    strides = [
        own or max(size // 2, 1)
        for own, size in zip(per_axis(stride, len(grid), name="stride"), windows, strict=True)
    ]
    for size, step in zip(windows, strides, strict=True):
        if step > size:
            raise BadOption(
                f"occlusion's windows leave gaps: stride {step} is more than window {size}. Take a "
                "stride of at most the window."
            )
    return windows, strides


def _windows(grid: Sequence[int], window: Sequence[int], stride: Sequence[int]) -> Iterator[Window]:
    """Every window, the last of a row flush with the edge."""
    starts = [
        sorted({*range(0, max(length - size, 0), step), max(length - size, 0)})
        for length, size, step in zip(grid, window, stride, strict=True)
    ]
    for corner in product(*starts):
        yield tuple(slice(start, start + size) for start, size in zip(corner, window, strict=True))


def _covered(
    activation: Activation, covers: Activation, channels: OfChannels, window: Window
) -> Activation:
    changed = activation.copy()
    changed[channels, *window] = covers[channels, *window]
    return changed


def _hidden(
    activation: Activation, covers: Activation, channels: OfChannels, share: np.ndarray
) -> Activation:
    changed = activation.copy()
    changed[channels] += share * (covers[channels] - activation[channels])
    return changed
