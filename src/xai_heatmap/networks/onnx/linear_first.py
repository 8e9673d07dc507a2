"""First mixing product of a signal in an ONNX graph: which axis holds the channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnx import NodeProto

from xai_heatmap.networks.opening.axes_found import Consumed, linear_first

PRODUCTS = ("MatMul", "Gemm")

RECURRENT = ("LSTM", "GRU", "RNN")

MIXED = -1
"""Mark of an axis that a product mixed from an axis of the input."""

Followed = tuple[int | None, ...]
"""Input axis of every axis of a tensor; None for an added axis."""


@dataclass
class LinearFirst:
    """First mixing product of a signal, and the use of the other axis by later nodes.

    Parameters
    ----------
    mixed, rows
        The axis of the input that it mixes, and the other one, the images being axis 0.
    lengths
        Of all axes of the input; 0 where one is open.
    """

    mixed: int
    rows: int
    lengths: Sequence[int]
    sequence: bool = False
    both: bool = False

    def told(self) -> Consumed:
        """Channel axis of a linear layer; the other axis is a sequence where its length is open."""
        shape = tuple(self.lengths[1:])
        free = self.sequence or not self.lengths[self.rows]
        mixed, rows = self.mixed - 1, self.rows - 1
        return linear_first(mixed, rows, shape, sequence=free, both=self.both)

    def behind(self, own: Followed) -> Followed:
        """Axes of the output of the product."""
        return *own[:-1], MIXED

    def look(self, node: NodeProto, own: Followed, stored: Mapping[str, Sequence[int]]) -> bool:
        """Whether a node that reads a tensor of axes `own` decides which axis the product mixed."""
        if self.rows not in own:
            return False
        at = own.index(self.rows)
        if node.op_type in ("Conv", "ConvTranspose"):
            self.sequence, self.both = at > 1, at == 1
        elif node.op_type in RECURRENT:
            self.sequence, self.both = at < len(own) - 1, at == len(own) - 1
        elif node.op_type in PRODUCTS:
            self.both = at == len(own) - 1 and any(len(stored.get(n, ())) == 2 for n in node.input)
        elif node.op_type == "Add":
            added = [stored[name] for name in node.input if name in stored]
            back = len(own) - at
            self.sequence = any(len(dims) >= back and dims[-back] > 1 for dims in added)
        return self.sequence or self.both


def product_of(
    node: NodeProto, own: Followed, lengths: Sequence[int], stored: Mapping[str, Sequence[int]]
) -> LinearFirst | None:
    """Product by stored weights that mixes one whole axis of a signal; None for other nodes."""
    if node.op_type not in PRODUCTS or len(node.input) < 2 or not node.output:
        return None
    if len(lengths) != 3 or min(lengths[1:]) == 1:
        return None
    if len(stored.get(node.input[1], ())) != 2 or own[-1] not in (1, 2) or 0 not in own[:-1]:
        return None
    mixed = own[-1]
    return LinearFirst(mixed, 3 - mixed, lengths)
