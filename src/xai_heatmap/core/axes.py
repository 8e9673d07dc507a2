"""Axes of a network's input, one letter for each: ``tchw`` is frames, channels, rows, columns.

Inside the project channels always come first. What a network has otherwise is turned at its door,
so that heat lies on the input's own axes, in the input's own order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray, BadOption

LETTERS = {
    "c": "channels",
    "t": "time",
    "d": "depth",
    "h": "height",
    "w": "width",
    "f": "frequency or features",
    "l": "length",
}
"""Names that an axis may have; the axis of images has none."""

GRIDS = {1: "t", 2: "hw", 3: "dhw"}
"""Names of the grid's axes where nobody says which."""

COLOURS = (1, 3, 4)
"""Channels of usual pictures: grey, of three colours, with transparency."""

FEWEST_PLACES = 8
"""Least length of the other axes from which on an axis of few entries looks like channels."""

Length = TypeVar("Length")


@dataclass(frozen=True)
class Axes:
    """The axes of one input, without that of the images.

    Parameters
    ----------
    word
        A letter for each, in their order: ``c`` the channels, the others the grid.
    """

    word: str

    @property
    def channel(self) -> int | None:
        """Position of the channel axis; None without such an axis."""
        place = self.word.find("c")
        return None if place < 0 else place

    @property
    def grid(self) -> str:
        """The letters of the grid."""
        return self.word.replace("c", "")

    @property
    def first(self) -> bool:
        """Whether the channel axis comes first, as everywhere inside the project."""
        return self.channel == 0

    @property
    def picture(self) -> bool:
        """Whether the grid axes are rows and columns, as of something that a person can see."""
        return self.grid == "hw"

    def channels_first(self, native: np.ndarray) -> np.ndarray:
        """(n, c, *grid) of inputs in the network's own axes; with one channel where there is no
        axis of them.
        """
        if self.channel is None:
            return native[:, None]
        if self.first:
            return native
        return np.moveaxis(native, 1 + self.channel, 1)

    def turned(self, first: np.ndarray) -> np.ndarray:
        """(n, c, *grid) in the network's own axes."""
        if self.channel is None:
            return first[:, 0]
        return np.ascontiguousarray(np.moveaxis(first, 1, 1 + self.channel))

    def lengths(self, native: Sequence[Length], one: Length) -> tuple[Length, ...]:
        """(c, *grid) of lengths in the network's own axes; `one` is that of a missing axis."""
        own = list(native)
        channels = one if self.channel is None else own.pop(self.channel)
        return channels, *own

    def native(self, first: Sequence[Length]) -> tuple[Length, ...]:
        """Lengths in the network's own axes of (c, *grid)."""
        channels, *own = first
        if self.channel is not None:
            own.insert(self.channel, channels)
        return tuple(own)

    def said(self, shape: Sequence[object]) -> str:
        """``(128 time, 3 channels)``."""
        named = [
            f"{length} {LETTERS[letter]}" for letter, length in zip(self.word, shape, strict=True)
        ]
        return f"({', '.join(named)})"


def axes_of(word: object) -> Axes:
    """The axes that a user names.

    Raises
    ------
    BadOption
        For what is no such word.
    """
    letters = word.strip().casefold() if isinstance(word, str) else ""
    grid = letters.replace("c", "")
    good = letters and set(letters) <= set(LETTERS) and len(set(letters)) == len(letters)
    if not good or not 1 <= len(grid) <= len(GRIDS):
        every = ", ".join(f"{letter} {name}" for letter, name in LETTERS.items())
        raise BadOption(
            f"axes names the axes of one input in their order, without that of the images, by a "
            f"letter each ({every}), such as axes='tchw' for frames of pictures, 'tc' for time "
            f"and features, 'hwc' for pictures with channels last, 't' for a waveform; one to "
            f"three of them beside the channels. Received {word!r}."
        )
    return Axes(letters)


def checked(axes: Axes, shape: Sequence[int]) -> None:
    """Refuse an input with another number of axes than were named.

    Raises
    ------
    BadArray
        For such an input.
    """
    if len(shape) != len(axes.word):
        raise BadArray(
            f"axes={axes.word!r} says that an input has "
            f"{counted(len(axes.word), 'axis', 'axes')}; received one of "
            f"{len(shape)}: {'x'.join(map(str, shape))}. Give inputs in those axes, or say others."
        )


def usual(rank: int, *, channels_last: bool = False) -> Axes:
    """The axes that a framework has by convention, with so many beside the channels."""
    grid = GRIDS.get(rank, "dhwl"[:rank])
    return Axes(grid + "c" if channels_last else "c" + grid)


def with_channels_at(place: int | None, axes: int) -> Axes:
    """Axes, so many in all, with the channels at `place`; None for no channels."""
    rank = axes - (place is not None)
    grid = GRIDS.get(rank, "dhwl"[:rank])
    if place is None:
        return Axes(grid)
    frames = "thw" if len(grid) == 3 and place == 1 else grid
    return Axes(frames[:place] + "c" + frames[place:])


def check_convention(axes: Axes, shape: Sequence[int], *, name: str) -> None:
    """Refuse axes that are a framework's convention alone where an input looks like a usual
    picture, signal or video in other axes: a map would lie on rows and colours, without a word.

    Parameters
    ----------
    axes
        By convention; nothing in the network shows them.
    shape
        Of one input in these axes.

    Raises
    ------
    BadArray
        With the words for both.
    """
    own, last = axes.channel, len(shape) - 1
    if own is None or len(shape) != len(axes.word) or shape[own] == 3:
        return
    for other in (last if own == 0 else 0, *([1] if last == 3 else [])):
        rest = [length for place, length in enumerate(shape) if place not in (own, other)]
        usual_there = shape[other] == 3 if shape[own] in COLOURS else shape[other] in COLOURS
        many = shape[own] >= FEWEST_PLACES or (len(shape) == 4 and other == 1)
        if usual_there and many and min(rest, default=FEWEST_PLACES) >= FEWEST_PLACES:
            likely = with_channels_at(other, len(shape)).word
            grid = "x".join(str(length) for place, length in enumerate(shape) if place != own)
            raise BadArray(
                f"{name} was given inputs of {'x'.join(map(str, shape))}; read as {axes.word} they "
                f"have {shape[own]} channels of {grid} places, which is seldom meant, and nothing "
                f"in the network shows it. Say the axes of one input, a letter each: "
                f"xai_heatmap.network(model, axes={likely!r}), or axes={axes.word!r} if that is "
                f"right; on the command line --axes {likely}."
            )
