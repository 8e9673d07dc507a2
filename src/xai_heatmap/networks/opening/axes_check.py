"""Check that the grids of layers fit the axes of the input."""

from collections.abc import Mapping, Sequence

from xai_heatmap.core.axes import Axes, check_convention
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.network import INPUT, Layer
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, LayerCall, ModelTrace
from xai_heatmap.networks.opening.layout_reading import DISPLACED

FINER = 1.5
"""Ratio of places from which on an axis of a layer counts as finer than that of the input; padding
adds a few.
"""


def coarsens(grid: Sequence[int], image: Sequence[int]) -> bool:
    """Whether a grid can lie over an input: not finer along one axis and coarser along another.

    >>> coarsens((4, 16, 16), (8, 32, 32)), coarsens((8, 4, 4), (3, 32, 32))
    (True, False)
    """
    pairs = list(zip(grid, image, strict=True))
    finer = any(own > FINER * length and own > length + 2 for own, length in pairs)
    return not finer or (len(pairs) > 1 and all(own >= length for own, length in pairs))


def check_axes(
    layers: Mapping[str, Layer], seen: ModelTrace, shape: Sequence[int], *, name: str, word: str
) -> None:
    """Refuse axes taken by convention if no layer can lie on these axes, but some layer has as many
    axes of places, or if no layer shows anything and the input looks like one in other axes.

    Raises
    ------
    BadArray
        With the word to say.
    """
    image = shape[1:]
    grids = [
        own.grid for own in layers.values() if own.grid and own.places > 1 and own.name != INPUT
    ]
    if any(len(grid) == len(image) and coarsens(grid, image) for grid in grids):
        return
    if any(own.without == DISPLACED for own in layers.values()):
        return
    against = [call for call in seen.calls if _has_places(call, len(image))]
    if not against:
        if not grids:
            axes = Axes(word)
            check_convention(axes, axes.native(shape), name=name)
        return
    own = "x".join(map(str, against[-1].shape[1:]))
    raise BadArray(
        f"{name} was given inputs of {'x'.join(map(str, shape))}, read as {word} (c channels, the "
        f"others places), as its framework has them; but layer {against[-1].path!r} answers {own}, "
        f"which can't lie over those axes. {SAID}"
    )


OF_SHAPES = (RuntimeError, ValueError, IndexError)
"""Errors of frameworks about unexpected axes of an array."""

SAID = (
    "Say what the axes of one input are, a letter each: xai_heatmap.network(model, axes='tchw') "
    "for frames of pictures, 'tc' for time and features, 'hwc' for channels last, 't' for a "
    "waveform; on the command line --axes tchw."
)


def _has_places(call: LayerCall, rank: int) -> bool:
    """Whether the output of a layer has as many axes of places as the input."""
    own = call.shape[1:]
    counted = call.shape[:1] == (IMAGES_IN_A_SURVEY,)
    return counted and len(own) == rank + 1 and sorted(own)[-2] > 1
