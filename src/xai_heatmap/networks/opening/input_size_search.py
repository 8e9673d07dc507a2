"""Search for a picture size that a network takes, after the network failed on the given size.

Asked only after a failure, of the network itself: pictures of noise go through it, from the
smallest on. Nothing is said that was not seen to work.
"""

import math
from collections.abc import Callable, Sequence

from xai_heatmap.core.axes import with_channels_at
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray, XaiHeatmapError
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.networks.opening.interfaces import ModelTrace

SIDES = (1, 2, 4, 8, 16, 28, 32, 48, 64, 96, 128, 160, 192, 224, 256, 299, 512, 1024, 4096, 16384)
"""Usual lengths of the sides of pictures."""

PLACES = 256 * 256
"""Most places of a tried picture, unless the failed picture had more."""

CHANNELS = (3, 1, 4)

Shape = Sequence[int]
Look = Callable[[tuple[int, ...]], ModelTrace]
"""Function from a picture shape (c, *image) to the trace of one pass."""
Works = Callable[[Shape], bool]


def fitted(
    look: Look,
    shape: tuple[int, ...],
    *,
    alone: Callable[[], ModelTrace],
    usual: Shape,
    name: str,
    channels_last: bool,
) -> ModelTrace:
    """Trace of one pass with pictures of `shape`.

    Parameters
    ----------
    look, shape
        One pass, and the pictures for it.
    alone
        The same with one picture at a time.
    usual
        Pictures that the network says or seems to be made for.
    name, channels_last
        What it calls itself, and the order of its own axes.

    Raises
    ------
    BadArray
        If the network fails on them, or a layer is left with no place at all, while it works on
        others.
    Exception
        What the network itself raised, if nothing else works either.
    """
    try:
        seen = look(shape)
    except Exception as problem:
        if isinstance(problem, XaiHeatmapError) or out_of_memory(problem):
            raise
        try:
            return alone()
        except Exception:  # noqa: BLE001, S110 - the first problem is told, with what helps
            pass
        advice = _advice(look, shape, usual, channels_last=channels_last)
        if advice is None:
            raise
        raise BadArray(f"{name} can't take pictures of {_by(shape)}. {advice}") from problem
    if _empty(seen) and (advice := _advice(look, shape, usual, channels_last=channels_last)):
        raise BadArray(f"{name} can't take pictures of {_by(shape)}. {advice}")
    return seen


def _runs(attempt: Callable[[], object]) -> bool:
    try:
        return attempt() is not False
    except Exception:  # noqa: BLE001 - whatever a network raises, it does not take that
        return False


def _empty(seen: ModelTrace) -> bool:
    """Whether a layer is left without a place; inference of shapes calls that a negative length. A
    layer that runs on what was found, such as proposals, may have nothing to run on.
    """
    return any(length < 1 for call in seen.calls for length in call.shape[1:])


def _advice(look: Look, shape: Shape, usual: Shape, *, channels_last: bool) -> str | None:
    def works(tried: Shape) -> bool:
        return _runs(lambda: not _empty(look(tuple(tried))))

    given, *image = shape
    if found := _of_order(works, shape, channels_last=channels_last):
        return found
    others = [number for number in CHANNELS if number != given]
    for channels in others:
        if works((channels, *image)):
            return (
                f"It takes {counted(channels, 'channel')}; received {given}. Convert the pictures."
            )
    if found := _of_sides(works, given, image):
        return found
    if works(usual):
        missing = (
            " Is the axis of the images missing? `x[None]`." if len(usual) > len(shape) else ""
        )
        return f"It works with {_by(usual)}.{missing}"
    for channels in others:
        if found := _of_sides(works, channels, image):
            return f"It takes {counted(channels, 'channel')}; received {given}. {found}"
    return None


def _of_order(works: Works, shape: Shape, *, channels_last: bool) -> str | None:
    channels, *image = shape
    if channels in CHANNELS:
        other = (image[-1], channels, *image[:-1]) if channels_last else (*image, channels)
        if len(image) < 2 or not works(other):
            return None
        axes = with_channels_at(0 if channels_last else len(image), len(shape)).word
        return (
            f"It takes channels {'first' if channels_last else 'last'}: "
            f"xai_heatmap.network(model, axes={axes!r}), on the command line --axes {axes}."
        )
    if image[-1] in CHANNELS and works((image[-1], channels, *image[:-1])):
        return "It takes channels first; `np.moveaxis(x, -1, 1)` moves them there."
    if channels_last and image[0] in CHANNELS and works((image[0], channels, *image[1:])):
        return "It takes channels last; `np.moveaxis(x, 1, -1)` moves them there."
    return None


def _of_sides(works: Works, channels: int, image: Shape) -> str | None:
    def square(side: int) -> bool:
        return works((channels, *[side] * len(image)))

    most = max(PLACES, math.prod(image))
    sides = [side for side in SIDES if side ** len(image) <= most]
    side = next(filter(square, sides), None)
    if side is None:
        return None
    if square(2 * side + 1):
        least = _least(square, above=max((s for s in sides if s < side), default=0), works=side)
        if min(image) < least:
            large = [max(least, length) for length in image]
            return f"It takes {_by([least] * len(image))} or more: make them larger{_how(large)}."
    near = [max(round(length / side), 1) * side for length in image]
    fits = near if works((channels, *near)) else [side] * len(image)
    return f"It works with {_by(fits)}: resize them{_how(fits)}."


def _least(square: Callable[[int], bool], *, above: int, works: int) -> int:
    """The smallest side that works, where all larger ones do."""
    while works - above > 1:
        middle = (above + works) // 2
        above, works = (above, middle) if square(middle) else (middle, works)
    return works


def _how(image: Shape) -> str:
    """Advice on setting the size of a picture with two sides, empty for other pictures."""
    if len(image) != 2:
        return ""
    rows, columns = image
    return f", such as by --size {_by(image)} or Preprocess(input_size=({rows}, {columns}))"


def _by(lengths: Shape) -> str:
    return "x".join(map(str, lengths))
