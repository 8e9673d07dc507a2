"""Heads of a global average and a linear layer, whose gradient is a row of the weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, helper

from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.networks.onnx.autodiff import Builder, Tensor, op
from xai_heatmap.networks.onnx.cut import reads

PASSING = ("Flatten", "Reshape", "Squeeze", "Identity", "Dropout")
"""Operators allowed between average and linear layer, which only rearrange one value a map."""


@dataclass(frozen=True)
class LinearHead:
    """scores = W · mean of the feature maps over the grid + b.

    Parameters
    ----------
    weights
        The tensor W, (classes, k), or a convolution's (classes, k, 1, 1).
    classes_first
        False where it is (k, classes).
    """

    weights: str
    classes_first: bool

    def gradient(self, builder: Builder, category: Tensor, layout: Layout) -> Tensor:
        """∂s_c/∂A = W_c / (h · w) at every place: (images, k, 1, 1)."""
        row = op("Gather", builder.tensor(self.weights), category, axis=1 - self.classes_first)
        row = row if self.classes_first else row.transpose([1, 0])
        share = op("Reshape", row, (0, -1, *[1] * len(layout.grid))) * (
            1 / int(np.prod(layout.grid))
        )
        return share.cast(np.dtype(np.float32))

    def gradients(
        self, builder: Builder, classes: Tensor, weights: Tensor, layout: Layout
    ) -> Tensor:
        """∂y/∂A of y = Σ_m w_m s_c, for classes and weights (images, m): (images, k, 1, 1)."""
        rows = op("Gather", builder.tensor(self.weights), classes, axis=1 - self.classes_first)
        rank = len(rows.shape) if rows.shape is not None else None
        if not self.classes_first:
            rows = rows.transpose([1, 2, 0])
        elif rank is None or rank > 3:  # of a convolution
            rows = op("Reshape", rows, (0, 0, -1))
        weights = op("Unsqueeze", weights.cast(rows.dtype), (2,))
        share = op("Reshape", (rows * weights).sum(1), (0, -1, *[1] * len(layout.grid)))
        return (share * (1 / int(np.prod(layout.grid)))).cast(np.dtype(np.float32))


def linear_head(
    model: ModelProto, tensor: str, layout: Layout, *, scores: str
) -> LinearHead | None:
    """Linear head of a layer, if only a global average and a linear layer follow, else None."""
    chain = _chain(model, tensor, scores)
    stored = {i.name for i in model.graph.initializer if all(n == 1 for n in i.dims[2:])}
    if not chain or not _averages(chain[0], layout, Builder(model)):
        return None
    acting = [node for node in chain[1:] if node.op_type not in PASSING]
    if len(acting) == 2 and acting[0].op_type == "MatMul" and acting[1].op_type == "Add":
        bias = stored.intersection(acting.pop().input)
        acting = acting if bias else []
    if len(acting) != 1 or len(acting[0].input) < 2 or acting[0].input[1] not in stored:
        return None
    return _linear(acting[0])


def _chain(model: ModelProto, tensor: str, scores: str) -> list[NodeProto]:
    """Nodes from a tensor to the scores, empty if not a single chain."""
    readers: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in set(reads(node)):
            readers.setdefault(name, []).append(node)
    chain: list[NodeProto] = []
    while tensor != scores:
        following = readers.get(tensor, [])
        if len(following) != 1 or tensor not in following[0].input:
            return []
        chain.append(following[0])
        tensor = following[0].output[0]
    return chain


def _linear(node: NodeProto) -> LinearHead | None:
    said: Mapping[str, object] = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "MatMul":
        return LinearHead(node.input[1], classes_first=False)
    if node.op_type == "Gemm" and said.get("alpha", 1) == 1 and not said.get("transA", 0):
        return LinearHead(node.input[1], classes_first=bool(said.get("transB", 0)))
    if node.op_type == "Conv" and said.get("group", 1) == 1:
        return LinearHead(node.input[1], classes_first=True)
    return None


def _averages(node: NodeProto, layout: Layout, builder: Builder) -> bool:
    """Whether a node takes the mean over the whole grid."""
    if node.op_type == "GlobalAveragePool":
        return layout.kind == "channels_first"
    if node.op_type != "ReduceMean" or layout.kind == "tokens" or len(node.input) < 2:
        return False
    axes = builder.tensor(node.input[1]).value
    first = 2 if layout.kind == "channels_first" else 1
    wanted: Sequence[int] = range(first, first + len(layout.grid))
    rank = len(layout.grid) + 2
    return axes is not None and sorted(int(axis) % rank for axis in axes.ravel()) == list(wanted)
