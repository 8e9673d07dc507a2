"""Channel axis of a network's input, read from the first operation that mixes channels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xai_heatmap.core.axes import Axes, checked, usual, with_channels_at
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray, XaiHeatmapError
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.networks.loading.loaded import first_line

Shape = tuple[int, ...]
"""Shape of one input in the network's own axes."""


MOST_CHANNELS = 16
"""Most channels of a linear layer along one of several axes; with more entries, the layer mixes
rows or columns."""


@dataclass(frozen=True)
class Consumed:
    """Axis of an input that the first operation that mixes channels reads as channels.

    Parameters
    ----------
    certain
        Whether it was seen at all.
    channel
        The axis that it reads as channels, None where it reads all of them as a grid.
    doubtful
        Whether it is a linear layer of a signal, which may as well mix the steps of time.
    """

    certain: bool
    channel: int | None = None
    doubtful: bool = False


UNSEEN = Consumed(certain=False)


def linear_first(
    mixed: int, rows: int, shape: Shape, *, sequence: bool = False, both: bool = False
) -> Consumed:
    """Channel axis of a signal whose first mixing layer is linear.

    It reads features at every step, or it mixes the steps of every feature, as networks for
    forecasts do: the operation is the same. What follows tells it, or the lengths do: there are
    rarely more features than steps.

    Parameters
    ----------
    mixed, rows
        The axis that it mixes, and the other one.
    shape
        Of one input.
    sequence
        Whether what follows reads the other axis as a sequence: a convolution or a recurrent layer
        along it, or numbers that are added by the place on it.
    both
        Whether another linear layer mixes the other axis, too.
    """
    if not sequence and (both or shape[mixed] > shape[rows]):
        return Consumed(certain=False, channel=mixed, doubtful=True)
    return Consumed(certain=True, channel=mixed)


Look = Callable[[Shape], Consumed]
"""Function from an input shape to its channel axis; raises the network's own error."""


@dataclass(frozen=True)
class Settled:
    """Axes of a network's inputs, and one shape in these axes.

    Parameters
    ----------
    axes
        As found, or as the framework has them.
    shape
        (c, *grid) of the shape that was asked about.
    certain
        Whether the network itself was seen to read them so.
    first
        Whether that shape already was (c, *grid), and not in the network's own axes.
    """

    axes: Axes
    shape: Shape
    certain: bool
    first: bool = False


def settled(
    look: Look, shape: Sequence[int], *, channels_last: bool, first: bool = False
) -> Settled:
    """Axes of a network with inputs of `shape`, in the network's own order or channels first.

    Parameters
    ----------
    look
        What becomes of an input.
    shape
        Of one input.
    channels_last
        The framework's convention.
    first
        Whether that shape is (c, *grid) for sure.

    Raises
    ------
    BadArray
        For a single axis that nothing is known of; for a signal whose axes nothing tells apart.
    """
    own = tuple(shape)
    seen = _told(look, own)
    if first and seen is not None and seen.certain and seen.channel != 0:
        seen = None
    if seen is not None and seen.certain:
        axes = _axes(seen.channel, len(own), channels_last=channels_last)
        return Settled(axes, axes.lengths(own, 1), certain=True)
    convention = usual(max(len(own) - 1, 1), channels_last=channels_last)
    if len(own) < 2 and seen is not None:  # it ran: features of a row, each a place of its own
        return Settled(Axes("f"), (1, *own), certain=True)
    if len(own) < 2:
        raise BadArray(
            f"An input of shape {own} has no axis of channels, and nothing shows what it is. "
            "A network takes images of shape (n, c, H, W), signals (n, c, length) or volumes (n, "
            "c, depth, height, width). If it takes waveforms (n, length), say so: "
            "xai_heatmap.network(model, axes='t'), on the command line --axes t."
        )
    if seen is not None:
        return Settled(convention, convention.lengths(own, 1), certain=False)
    others = [place for place in reversed(range(len(own))) if place != 0]
    for place in (*others, *([None] if own[0] == 1 else [])):
        axes = with_channels_at(place, len(own) - (place is None))
        seen = _told(look, axes.native(own))
        if seen is not None and seen.certain and seen.channel == place:
            return Settled(axes, own, certain=True, first=True)
    return Settled(convention, convention.lengths(own, 1), certain=False)


def _seen(look: Look, shape: Shape) -> Consumed | None:
    """Channel axis of inputs of `shape`, None where the network fails on inputs of `shape`."""
    try:
        return look(shape)
    except XaiHeatmapError:
        return UNSEEN  # it ran; what it answers is judged where it is asked for
    except Exception as problem:
        if out_of_memory(problem):
            raise
        return None


def _told(look: Look, shape: Shape) -> Consumed | None:
    """Channel axis as by `_seen`; refused where the axis may be time as well as features."""
    seen = _seen(look, shape)
    return seen and certainly(seen, shape)


def certainly(seen: Consumed, shape: Sequence[int]) -> Consumed:
    """Return `seen` if the channel axis is not in doubt, else raise.

    Raises
    ------
    BadArray
        Where it is, with the line to write.
    """
    if not seen.doubtful:
        return seen
    raise BadArray(
        f"The first layer that mixes anything in an input of {'x'.join(map(str, shape))} is linear "
        f"along the axis of {shape[seen.channel or 0]}: whether that is time or features can't be "
        f"told. Say it, a letter for each axis: xai_heatmap.network(model, axes='tc') if there are "
        f"{counted(shape[0], 'step')} of time, axes='ct' if there are {shape[1]}; on the "
        "command line "
        f"--axes tc or --axes ct."
    )


def _axes(channel: int | None, axes: int, *, channels_last: bool) -> Axes:
    convention = usual(axes - 1, channels_last=channels_last) if axes > 1 else None
    if convention is not None and convention.channel == channel:
        return convention
    return with_channels_at(channel, axes)


def hint(name: str, problem: BaseException | None = None) -> str:
    """Advice on naming the axes of an input, for a network that was not understood."""
    said = "" if problem is None else f" ({first_line(problem)})"
    return (
        f"{name} was read with the channels of its input where its framework has them{said}. If "
        "its axes are others, say them, a letter each: xai_heatmap.network(model, axes='tchw') "
        "for frames of pictures, 'tc' for time and features, 'hwc' for channels last, 't' for a "
        "waveform; on the command line --axes tchw."
    )


class Door:
    """Conversion of inputs from the axes of a user to the axes of a network.

    Parameters
    ----------
    said
        The axes, where a user named them.
    channels_last
        The framework's convention.
    """

    def __init__(self, said: Axes | None, *, channels_last: bool) -> None:
        self._said, self._last = said, channels_last
        self._own: Settled | None = None

    @property
    def said(self) -> bool:
        """Whether a user named the axes."""
        return self._said is not None

    @property
    def turns(self) -> bool:
        """Whether the network's axes differ from the framework's."""
        axes = self._said or (self._own.axes if self._own and self._own.certain else None)
        if axes is None:
            return False
        return axes.channel != usual(len(axes.grid), channels_last=self._last).channel

    @property
    def certain(self) -> bool:
        """Whether the axes were named by the user, or seen in the network."""
        return self._said is not None or (self._own is not None and self._own.certain)

    def settled(
        self, look: Look, shape: Shape, known: dict[object, Settled], *, first: bool
    ) -> Settled:
        """Axes of inputs of `shape`: as named, as seen, or by the framework's convention.

        Parameters
        ----------
        look
            What becomes of inputs of a shape. It is handed in and not kept: what holds a compiled
            graph is in no cycle.
        shape
            Of one input.
        known
            Of shapes asked about before; it is added to.
        first
            Whether that is (c, *grid) for sure.
        """
        axes = self._said or (self._own.axes if self.certain and self._own else None)
        if axes is not None and self._fits(axes, shape, first=first):
            return self._of(axes, shape, first=first)
        if (shape, first) not in known:
            find = self._convention if self._last else settled
            known[shape, first] = find(look, shape, channels_last=self._last, first=first)
        found = known[shape, first]
        self._own = self._own if self._own and self._own.certain else found
        return found

    def _convention(self, look: Look, shape: Shape, *, channels_last: bool, first: bool) -> Settled:
        """Axes of a model with channels last by convention, unless the model shows other axes."""
        if (
            len(shape) == 1
        ):  # features of a row, each a place of its own, where the model takes them
            return Settled(Axes("f"), (1, *shape), certain=_told(look, shape) is not None)
        convention = usual(max(len(shape) - 1, 1), channels_last=channels_last)
        if first:
            return Settled(convention, shape, certain=False, first=True)
        seen = _told(look, shape) or UNSEEN
        if seen.certain and seen.channel != convention.channel:
            axes = with_channels_at(seen.channel, len(shape))
            return Settled(axes, axes.lengths(shape, 1), certain=True)
        return Settled(convention, convention.lengths(shape, 1), certain=False)

    def _fits(self, axes: Axes, shape: Shape, *, first: bool) -> bool:
        if first or self._said is None:
            return len(shape) in (len(axes.word), len(axes.grid) + 1)
        if len(shape) in (len(axes.word), len(axes.grid) + 1):
            return True
        checked(axes, shape)
        return False

    def _of(self, axes: Axes, shape: Shape, *, first: bool) -> Settled:
        """In the network's own axes, unless only the other order has as many channels as before."""
        seen = self._own.shape[0] if self._own is not None else None
        native = len(shape) == len(axes.word) and not first
        if native and seen is not None and seen in shape and axes.channel:
            native = shape[axes.channel] == seen or shape[0] != seen
        if native:
            return Settled(axes, axes.lengths(shape, 1), certain=True)
        return Settled(axes, shape, certain=True, first=True)
