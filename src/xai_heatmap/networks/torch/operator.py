"""Operator of an exported graph as a module."""

from typing import Any

from torch import fx, nn

from xai_heatmap.networks.opening.interfaces import Closing

CLOSING: dict[str, Closing] = {
    "aten.softmax.int": "softmax",
    "aten._softmax.default": "softmax",
    "aten.log_softmax.int": "softmax",
    "aten._log_softmax.default": "softmax",
    "aten.sigmoid.default": "sigmoid",
}
"""Final activations by the names of operators in torch."""


class Operator(nn.Module):
    """Module of one operator of a graph, called with the values of the input nodes."""

    def __init__(self, node: fx.Node) -> None:
        super().__init__()
        self.target: Any = node.target
        self.read = list(node.all_input_nodes)
        self.places = node.args, node.kwargs
        self.closing: Closing | None = CLOSING.get(str(node.target))

    def forward(self, *values: Any) -> Any:
        """Output of the operator."""
        known = dict(zip(self.read, values, strict=True))
        places, names = (fx.map_arg(own, known.__getitem__) for own in self.places)
        return self.target(*places, **names)  # type: ignore[arg-type] - keyword names are text
