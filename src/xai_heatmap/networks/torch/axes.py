"""Channel axis of the input of a PyTorch network.

One pass that ends at the first operation that mixes channels: a convolution, a linear or recurrent
layer, attention. Up to there every value is followed by its coordinates, arrays that say of each
number which place on each axis of the input it came from.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from xai_heatmap.networks.opening.axes_found import MOST_CHANNELS, UNSEEN, Consumed, Shape
from xai_heatmap.networks.torch.linear_first import (
    PRODUCTS,
    REDUCES,
    Coordinates,
    LinearFirst,
    as_linear,
    behind,
    mixed_by,
    reduced,
    varies,
    without_repeats,
)

CONVOLUTIONS = tuple(f"conv{turned}{d}d" for turned in ("", "_transpose") for d in (1, 2, 3))
CONVOLUTION = "convolution"
"""Of any number of axes, in programs that are exported and decomposed; always of a batch."""

LINEAR = ("linear", "matmul", "mm", "__matmul__", "addmm", "bmm", "baddbmm")
BEHIND = ("addmm", "baddbmm")
"""Products whose argument follows what is added to them."""

RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")
CELLS = ("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
"""One step of a recurrent layer, which a network calls in a loop of its own."""

SPECTRA = ("stft",)
ADDS = ("add", "add_", "__add__", "__radd__", "__iadd__")
ATTENTION = ("multi_head_attention_forward", "_transformer_encoder_layer_fwd")

RESAMPLED = ("pad", "interpolate", "upsample", "avg_pool1d", "avg_pool2d", "avg_pool3d",
             "max_pool1d", "max_pool2d", "max_pool3d", "adaptive_avg_pool1d",
             "adaptive_avg_pool2d", "adaptive_avg_pool3d")  # fmt: skip
"""Operations that keep the axes, with other lengths."""

MOVED = ("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims", "reshape", "view",
         "flatten", "unflatten", "unsqueeze", "squeeze", "__getitem__", "contiguous", "expand",
         "select", "narrow", "repeat", "chunk", "split", "unbind", "tensor_split", "ravel",
         "unfold", "view_as", "reshape_as", "flip", "roll", "t", "index_select", "slice",
         "split_with_sizes", "_unsafe_view")  # fmt: skip
"""Operations that only rearrange: coordinates go through them as values do."""

SHAPED = ("view", "view_as", "reshape", "reshape_as", "flatten", "_unsafe_view")
"""Those of which the shape of the answer says all."""

ROWS = 2
"""Inputs in the pass, more than one so that the axis of inputs varies."""


class _Ended(BaseException):
    """Ends a pass once the axis is decided; a `BaseException`, past any `except Exception`."""

    def __init__(self, found: Consumed) -> None:
        super().__init__()
        self.found = found


def consumed(run: Callable[[torch.Tensor], object], image: torch.Tensor) -> Consumed:
    """Channel axis of `image`, (n, ...), as the network reads `image`.

    Parameters
    ----------
    run
        The network.
    image
        Inputs in the network's own axes, `ROWS` of them.
    """
    following = _Following(image)
    try:
        with torch.no_grad(), following:
            run(image)
    except _Ended as end:
        return end.found
    return following.linear.told() if following.linear else UNSEEN


class _Following(TorchFunctionMode):
    """Follows one tensor through the operations, until an operation mixes channels."""

    def __init__(self, image: torch.Tensor) -> None:
        super().__init__()
        self._shape: Shape = tuple(image.shape)
        self._known: dict[int, tuple[torch.Tensor, list[torch.Tensor]]] = {}
        self._know(image, [_coordinate(image, axis) for axis in range(image.ndim)])
        self.linear: LinearFirst | None = None

    def _know(self, value: torch.Tensor, coordinates: list[torch.Tensor]) -> None:
        self._known[id(value)] = value, coordinates

    def _of(self, value: object) -> list[torch.Tensor] | None:
        kept = self._known.get(id(value))
        return None if kept is None else kept[1]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = _name(func)
        subject = args[name in BEHIND] if args else kwargs.get("input")
        own = self._of(subject)
        output = func(*args, **kwargs)  # first of all: it may refuse what it is given
        if own is None and name in PRODUCTS and (turned := as_linear(name, args, self._of)):
            return self._product(*turned, output)
        if self.linear is not None and self._tells(self.linear, name, args, kwargs):
            raise _Ended(self.linear.told())
        if own is not None and (role := _role(name, subject, args, kwargs)) is not None:
            if name in (*LINEAR, *CELLS) and self._mixes(own, subject, cell=name in CELLS):
                self._know(output, behind(own, output))
                return output
            seen = self._consumed(own, *role)
            if seen.certain:
                raise _Ended(seen)
        if own is not None and isinstance(subject, torch.Tensor):
            self._follow(func, name, subject, own, (args, kwargs), output)
        elif isinstance(output, torch.Tensor) and self._of(output) is None:
            same = [a for a in args if self._of(a) is not None and a.shape == output.shape]
            if same:
                self._know(output, self._of(same[0]) or [])
        return output

    def _mixes(self, own: Coordinates, value: torch.Tensor, *, cell: bool = False) -> bool:
        """Whether a linear layer mixes one axis; the pass ends once the channel axis is decided."""
        found = mixed_by(own, value, self._shape[1:])
        if found is None:
            return False
        self.linear = self.linear or found
        self.linear.both, self.linear.sequence = found.mixed != self.linear.mixed, cell
        if self.linear.both or cell:
            raise _Ended(self.linear.told())
        return True

    def _product(
        self, value: torch.Tensor, own: Coordinates, order: Sequence[int], output: torch.Tensor
    ) -> torch.Tensor:
        """Output of a product with weights in front, or of einsum, followed as a linear layer."""
        if self._mixes(own, value):
            back = [one.permute(*order) for one in behind(own, output.permute(*_inverse(order)))]
            self._know(output, back)
        elif self.linear is not None and self.linear.mixes_both(own, value):
            raise _Ended(self.linear.told())
        return output

    def _tells(
        self, linear: LinearFirst, name: str, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> bool:
        """Whether an operation behind the linear layer decides which axis the layer mixed."""
        subject = args[0] if args else kwargs.get("input")
        own = self._of(subject)
        if name in ADDS and len(args) > 1:
            return linear.placed(subject, self._of(subject), args[1], self._of(args[1]))
        if own is None or not isinstance(subject, torch.Tensor) or name in ATTENTION:
            return False
        role = _role(name, subject, args, kwargs)
        if role is None:
            return False
        if name in LINEAR:
            return linear.mixes_both(own, subject)
        if name in CELLS:
            return False
        return linear.sequence_of(own, *role)

    def _follow(
        self,
        func: Any,
        name: str,
        subject: torch.Tensor,
        own: list[torch.Tensor],
        asked: tuple[Sequence[Any], dict[str, Any]],
        output: Any,
    ) -> None:
        args, kwargs = asked
        if name in REDUCES and isinstance(output, torch.Tensor):
            if (kept := reduced(own, output, args, kwargs)) is not None:
                self._know(output, kept)
        elif name in MOVED:
            moved = [_moved(func, one, args, kwargs, output) for one in own]
            outputs = output if isinstance(output, tuple | list) else [output]
            for place, value in enumerate(outputs):
                self._know(value, [m[place] if isinstance(m, tuple | list) else m for m in moved])
        elif isinstance(output, torch.Tensor) and output.shape == subject.shape:
            self._know(output, own)
        elif isinstance(output, torch.Tensor) and name in RESAMPLED:
            self._know(output, [_resampled(one, output.shape) for one in own])

    def _consumed(
        self, coordinates: list[torch.Tensor], channels: int | None, grid: set[int]
    ) -> Consumed:
        """Channel axis of the input, given the axes of an operation's argument on which the
        operation reads channels (`channels`) and places (`grid`).
        """
        images, *varying = map(varies, coordinates)
        if channels is not None and channels in images:
            return UNSEEN  # several inputs as the channels of one
        long = [axis for axis, length in enumerate(self._shape[1:]) if length > 1]
        placed = [axis for axis in long if varying[axis] & grid]
        mixed = [axis for axis in long if axis not in placed]
        along = [axis for axis in mixed if varying[axis]]
        if channels not in (None, -1) and len(along) == 1 and channels in varying[along[0]]:
            mixed = along  # one place of each other axis at a time, as frame by frame
        if not placed or any(
            channels not in varying[axis] for axis in mixed if channels is not None
        ):
            return UNSEEN
        flat = [axis for axis in range(len(varying)) if axis not in long]
        if (
            channels == -1
            and mixed
            and len(placed) > 1
            and self._shape[1 + mixed[0]] > MOST_CHANNELS
        ):
            return UNSEEN
        if len(mixed) > 1 or (not mixed and len(flat) > 1):
            return UNSEEN
        return Consumed(certain=True, channel=next(iter([*mixed, *flat]), None))


def _name(func: Any) -> str:
    """Name of an operation; of an operator of ATen, such as ``conv2d.default``, without the kind of
    its arguments. Exported programs consist of those.
    """
    return str(getattr(func, "__name__", "")).partition(".")[0]


def _inverse(order: Sequence[int]) -> list[int]:
    return [list(order).index(axis) for axis in range(len(order))]


def _role(
    name: str, value: torch.Tensor, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[int | None, set[int]] | None:
    """Channel axis of an operation, counted from the end, and axes of places; None for an operation
    that tells nothing.
    """
    axes = value.ndim
    if name in CONVOLUTIONS or name == CONVOLUTION:
        spatial = axes - 2 if name == CONVOLUTION else int(name[-2])
        batched = axes == spatial + 2
        grid = set(range(-spatial, 0)) | ({-axes} if batched else set())
        return -spatial - 1, grid
    if name in RECURRENT:
        return -1, set(range(-axes, -1))
    if name in ATTENTION or (name in LINEAR and axes > 1):
        weights = args[1] if len(args) > 1 else kwargs.get("weight")
        if name in LINEAR and isinstance(weights, torch.Tensor) and weights.ndim > 2:
            return None
        return -1, set(range(-axes, -1))
    if name in CELLS and axes == 2:
        return -1, {-2}
    if name in SPECTRA:
        return None, {-1}
    return None


def _coordinate(image: torch.Tensor, axis: int) -> torch.Tensor:
    """Index along one axis of every number, as a view that takes no memory."""
    shape = [1] * image.ndim
    shape[axis] = image.shape[axis]
    own = torch.arange(image.shape[axis], dtype=torch.int32, device=image.device)
    return own.view(shape).expand(image.shape)


def _moved(
    func: Any, one: torch.Tensor, args: Sequence[Any], kwargs: dict[str, Any], output: Any
) -> Any:
    """Coordinates put through the same operation."""
    rest = list(args[1:])
    with torch._C.DisableTorchFunction():  # noqa: SLF001 - the mode would follow them, too
        if _name(func) in SHAPED:
            return one.reshape(output.shape)
        own = {name: one if name == "input" else value for name, value in kwargs.items()}
        return func(one, *rest, **own) if args else func(**own)


def _resampled(one: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Coordinates at the nearest places of axes with other lengths."""
    own = without_repeats(one)
    for axis, length in enumerate(shape):
        before = own.shape[axis]
        if before not in (1, length):
            places = torch.arange(length, device=one.device) * before // length
            own = own.index_select(axis, places)
    return own.expand(*shape)
