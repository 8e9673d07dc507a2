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

AGAINST = "against_index"
"""The input that says which class is held against that, -1 for none, where there is one."""

MAPS = "cam_"
"""Prefix of the outputs with maps; a number follows."""


@dataclass(frozen=True)
class End:
    """The scores before a closing softmax or sigmoid, and how many there are of an image."""

    scores: str
    classes: int


_ASKED, _HELD_AGAINST = (
    helper.make_tensor_value_info(name, TensorProto.INT64, ["one or each image's"])
    for name in (CLASS, AGAINST)
)


def with_maps(
    model: ModelProto,
    method: str,
    opened: Mapping[str, Layout],
    end: End,
    *,
    apart: Sequence[str] = (),
    contrasts: bool = False,
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
    contrasts
        Whether there is an input `AGAINST`: then y = s_c - s_d. With gradients of several classes.

    Raises
    ------
    NoRule
        An operator between the tensors and the scores has no derivative.
    """
    whole = ModelProto()
    whole.CopyFrom(model)
    whole.graph.input.extend([_ASKED, _HELD_AGAINST] if contrasts else [_ASKED])
    closed = _closed_form(whole, method, opened, end)
    names = {name: name for name in [end.scores, *opened]}
    if (apart and not (method in WITHOUT_GRADIENT or closed)) or set(apart) - set(opened):
        names = second_head(whole, list(opened), begin=list(apart), scores=end.scores, input_=CLASS)
    builder = Builder(whole)
    category = _category(builder, end)
    against = _expanded(builder.tensor(AGAINST), category) if contrasts else None
    if method in WITHOUT_GRADIENT:
        found, reason = dict[str, Tensor](), "no gradient is needed"
    elif closed is not None:
        found = {n: _row(closed, builder, category, against, own) for n, own in opened.items()}
        reason = "closed form: a global average and a linear layer follow"
    else:
        seed = _seed(builder.tensor(end.scores), category, end.classes, against)
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
    return _expanded(op("Where", asked < 0, prediction, asked), prediction)


def _expanded(one: Tensor, each: Tensor) -> Tensor:
    """A class for all images as one for each."""
    return op("Expand", one, op("Shape", each))


def _row(
    head: LinearHead, builder: Builder, category: Tensor, against: Tensor | None, layout: Layout
) -> Tensor:
    """∂y/∂A of a linear head, of one class or of one against another."""
    if against is None:
        return head.gradient(builder, category, layout)
    none = against < 0
    other = op("Where", none, category, against)
    classes = op("Concat", *(op("Unsqueeze", one, (1,)) for one in (category, other)), axis=1)
    share = op("Unsqueeze", none.cast(np.dtype(np.float32)), (1,))  # 1 where nothing is against it
    return head.gradients(builder, classes, op("Concat", share * 0 + 1, share - 1, axis=1), layout)


def _closed_form(
    model: ModelProto, method: str, opened: Mapping[str, Layout], end: End
) -> LinearHead | None:
    """Linear head of a single layer, for methods with gradients; else None."""
    if method in WITHOUT_GRADIENT or len(opened) != 1 or end.classes == 1:
        return None
    ((name, layout),) = opened.items()
    return linear_head(model, name, layout, scores=end.scores)


def _seed(scores: Tensor, category: Tensor, classes: int, against: Tensor | None) -> Tensor:
    """∂y/∂scores: 1 at the class, -1 at one against it; of a single unit 1 for and -1 against."""
    column = op("Unsqueeze", category, (1,))
    if classes == 1:
        seed = (column * 2 - 1).cast(scores.dtype)
    else:
        seed = column.equals(np.arange(classes)[None]).cast(scores.dtype)
        if against is not None:
            other = op("Unsqueeze", against, (1,))  # -1 is equal to none of them
            seed = seed - other.equals(np.arange(classes)[None]).cast(scores.dtype)
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
