"""Heatmaps as further outputs of an ONNX graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, TensorProto, helper

from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.autodiff import Builder, Tensor, op
from xai_heatmap.networks.onnx.formulas import FORMULAS, WITHOUT_GRADIENT
from xai_heatmap.networks.onnx.head_form import LinearHead, linear_head
from xai_heatmap.networks.onnx.input import IMAGES
from xai_heatmap.networks.onnx.second_head import second_head

CLASS = "class_index"
"""The input that says which class is explained, -1 for the prediction: one for all, or one each."""

MAPS = "cam_"
"""Prefix of the outputs with maps; a number follows."""


@dataclass(frozen=True)
class End:
    """The scores before a closing softmax or sigmoid, and how many there are of an image."""

    scores: str
    classes: int


_ASKED = helper.make_tensor_value_info(CLASS, TensorProto.INT64, ["one or each image's"])


def with_maps(
    model: ModelProto,
    method: str,
    opened: Mapping[str, Layout],
    end: End,
    *,
    apart: Sequence[str] = (),
) -> tuple[ModelProto, str]:
    """Model with one map for every tensor of `opened`, and a description of the computation.

    Parameters
    ----------
    model
        As `autodiff.prepared` gives it; its outputs stay as they are.
    method
        A key of `onnx_formulas.FORMULAS`.
    opened
        How each tensor is read.
    end
        What is explained.
    apart
        Tensors from which on a second copy of the graph is made and differentiated, so that
        nothing reads what the first computes on its way: a runtime then joins operators there as
        it does in the model alone. None if empty.

    Raises
    ------
    NoRule
        An operator between the tensors and the scores has no derivative.
    """
    whole = ModelProto()
    whole.CopyFrom(model)
    whole.graph.input.append(_ASKED)
    closed = _closed_form(whole, method, opened, end)
    names = {name: name for name in [end.scores, *opened]}
    if (apart and not (method in WITHOUT_GRADIENT or closed)) or set(apart) - set(opened):
        names = second_head(whole, list(opened), begin=list(apart), scores=end.scores, input_=CLASS)
    builder = Builder(whole)
    category = _category(builder, end)
    if method in WITHOUT_GRADIENT:
        found, reason = dict[str, Tensor](), "no gradient is needed"
    elif closed is not None:
        found = {name: closed.gradient(builder, category, own) for name, own in opened.items()}
        reason = "closed form: a global average and a linear layer follow"
    else:
        seed = _seed(builder.tensor(end.scores), category, end.classes)
        swept = autodiff.gradients(builder, {names[end.scores]: seed}, [names[n] for n in opened])
        found = {name: on_grid(swept[names[name]], own) for name, own in opened.items()}
        reason = "gradient by reverse mode"
    for index, (name, own) in enumerate(opened.items()):
        activation = on_grid(builder.tensor(names[name]), own)
        builder.output(f"{MAPS}{index}", FORMULAS[method](activation, found.get(name), own.grid))
    finished = builder.finished()
    _shaped(finished, list(opened.values()))
    return finished, reason if names[end.scores] == end.scores else f"{reason}, on a second copy"


def _category(builder: Builder, end: End) -> Tensor:
    """The class that is explained of every image."""
    rows = op("Flatten", builder.tensor(end.scores), axis=1)
    if end.classes == 1:
        prediction = (op("Reshape", rows, (-1,)) > 0).cast(np.dtype(np.int64))
    else:
        prediction = op("ArgMax", rows, axis=1, keepdims=0)
    asked = builder.tensor(CLASS)
    return op("Expand", op("Where", asked < 0, prediction, asked), op("Shape", prediction))


def _closed_form(
    model: ModelProto, method: str, opened: Mapping[str, Layout], end: End
) -> LinearHead | None:
    """Linear head of a single layer, for methods with gradients; else None."""
    if method in WITHOUT_GRADIENT or len(opened) != 1 or end.classes == 1:
        return None
    ((name, layout),) = opened.items()
    return linear_head(model, name, layout, scores=end.scores)


def _seed(scores: Tensor, category: Tensor, classes: int) -> Tensor:
    """∂y/∂scores: 1 at the class; of a single unit 1 for and -1 against."""
    column = op("Unsqueeze", category, (1,))
    if classes == 1:
        seed = (column * 2 - 1).cast(scores.dtype)
    else:
        seed = column.equals(np.arange(classes)[None]).cast(scores.dtype)
    return seed.reshaped_like(scores)


def on_grid(tensor: Tensor, layout: Layout) -> Tensor:
    """A tensor in a layer's own layout as float32 (images, k, *grid)."""
    rank = len(layout.grid) + 2
    if layout.kind == "channels_last":
        tensor = tensor.transpose([0, rank - 1, *range(1, rank - 1)])
    if layout.kind == "tokens":
        patches = op("Slice", tensor, (layout.prefix,), (np.iinfo(np.int64).max,), (1,))
        tensor = op("Reshape", patches.transpose([0, 2, 1]), (0, 0, *layout.grid))
    return tensor.cast(np.dtype(np.float32))


def _shaped(model: ModelProto, layouts: Sequence[Layout]) -> None:
    """Write the shapes of the maps, which no inference has seen."""
    del model.graph.output[len(model.graph.output) - len(layouts) :]
    model.graph.output.extend(
        helper.make_tensor_value_info(f"{MAPS}{i}", TensorProto.FLOAT, [IMAGES, *layout.grid])
        for i, layout in enumerate(layouts)
    )
