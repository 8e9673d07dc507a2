"""ONNX models in the form of the engine: float32 pictures in, float32 scores out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from xai_heatmap.core.axes import Axes
from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.axes import TURNED, axes_in, turned
from xai_heatmap.networks.onnx.boxes import in_onnx, with_boxes
from xai_heatmap.networks.onnx.check import check_whole, in_order
from xai_heatmap.networks.onnx.cut import part
from xai_heatmap.networks.onnx.inferring import inferring
from xai_heatmap.networks.onnx.input import (
    IMAGES,
    PictureInput,
    channels_last,
    declarations,
    given_inputs,
    lengths,
    picture_input,
    retyped,
)
from xai_heatmap.networks.onnx.limits import alone, bounded
from xai_heatmap.networks.onnx.listed import LISTED, with_listed
from xai_heatmap.networks.onnx.output import CLOSING, chosen, closing, with_scores, without
from xai_heatmap.networks.onnx.same import check_same
from xai_heatmap.networks.onnx.settled import settle
from xai_heatmap.networks.onnx.side_by_side import ROW, in_a_row, measure
from xai_heatmap.networks.opening.declared_inputs import Declarations, picture_among
from xai_heatmap.networks.opening.held import Given, Held, Name
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, Closing
from xai_heatmap.networks.opening.side_by_side import Output, SideBySide


@dataclass(frozen=True)
class Source:
    """Model as handed in, reduced to the nodes from the inputs to one output.

    Parameters
    ----------
    model
        What is left of it.
    picture, answer
        Where the picture goes in, and the output that is explained.
    inputs
        Every input, the picture too; `unread` are names of those that the output does not need.
    boxes
        How the output is read, of a detector.
    axes
        Of the picture before `model` was made to turn them; None where it is as the file has it.
    several
        Outputs that stand side by side in the one that is explained.
    """

    model: ModelProto
    picture: PictureInput
    answer: str
    inputs: Declarations
    unread: frozenset[str]
    boxes: Boxes | None = None
    axes: Axes | None = None
    several: SideBySide | None = None


@dataclass(frozen=True, eq=False)
class OnnxGraph:
    """A model prepared for pictures of one shape: checked, converted up, shapes inferred."""

    model: ModelProto
    image: str
    scores: str


@dataclass(frozen=True)
class Ready:
    """Graph with its final activation, and the same graph without.

    Parameters
    ----------
    kept
        As the model is.
    undone
        Ending in what the closing function is given; None where there is none.
    closing
        Which function that is.
    layers
        The nodes that are the user's own, in order of execution.
    """

    kept: OnnxGraph
    undone: OnnxGraph | None
    closing: Closing | None
    layers: Sequence[NodeProto]


def source(
    model: ModelProto,
    *,
    image_shape: Sequence[int] | None = None,
    output: Output = None,
    held: Given = MappingProxyType({}),
    picture: Name | None = None,
    axes: Axes | None = None,
) -> Source:
    """Source of the scores: the graph that leads to the chosen output, and its picture input.

    Raises
    ------
    ModelError, NoScores
        If a model has no picture to take, or no scores to give.
    BadOption
        If it takes more than the picture and what is held.
    """
    model = in_order(model)
    check_whole(model)
    how, boxes, several = output, None, None
    listed = with_listed(model) if output in (None, Boxes()) else None
    if output is None and listed is None:
        how = in_onnx(model, _image(model, image_shape))
    if listed is not None:
        model, boxes = listed
        answer = LISTED
    elif isinstance(how, Boxes):
        model, boxes, answer = with_boxes(model, how, _image(model, image_shape))
    elif isinstance(how, SideBySide):
        model, several, answer = in_a_row(model, how)
    else:
        answer = chosen(model, how)
    stored = {initializer.name for initializer in model.graph.initializer}
    needed = part(model, model.graph.node, inputs=[], outputs=[answer])
    if not needed.graph.output[0].type.WhichOneof("value"):  # not an output: what feeds one
        needed.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    made = {name for node in needed.graph.node for name in node.output}
    read = {name for node in needed.graph.node for name in node.input} - made - stored
    needed.graph.input.extend(value for value in model.graph.input if value.name in read)
    every = {value.name for value in model.graph.input} - stored
    unread = frozenset(every - read)
    rest = {name: value for name, value in held.items() if name not in unread}
    own = picture_among(declarations(needed), rest, picture, model="The model")
    named = [value for value in needed.graph.input if value.name == own]
    axes = axes or next((_other_axes(needed, value) for value in named), None)
    if axes is not None and own is not None:
        needed = turned(needed, own, axes)
    found = picture_input(needed, image_shape=image_shape, held=rest, picture=picture)
    found = alone(bounded(found, image_shape), needed)
    if axes is not None:
        found = replace(found, channels_last=False)
    inputs = declarations(needed, found.images)
    return Source(needed, found, answer, inputs, unread, boxes, axes, several)


def _image(model: ModelProto, image_shape: Sequence[int] | None) -> Sequence[int]:
    """Rows and columns of the picture, none where they are not known before the input is read."""
    if image_shape is not None:
        return tuple(image_shape[1:])
    fours = [lengths(one) for one in given_inputs(model)]
    found = [shape for shape in fours if len(shape) == 4 and None not in shape[1:]]
    if len(found) != 1:
        return ()
    last = found[0][3] in (1, 3) and found[0][1] not in (1, 3)
    return [side for side in (found[0][1:3] if last else found[0][2:]) if side is not None]


def _other_axes(model: ModelProto, value: ValueInfoProto) -> Axes | None:
    """Axes that the graph shows, None where these are the axes that the lengths suggest; an input
    with a single axis is a row of features where nothing shows otherwise.
    """
    axes = axes_in(model, value)
    if axes is None:
        kind = value.type.tensor_type
        row = kind.HasField("shape") and len(kind.shape.dim) == 2
        return Axes("f") if row else None
    lengths = tuple(dim.dim_value or None for dim in value.type.tensor_type.shape.dim)
    usual = len(axes.grid) if channels_last(model, value.name, lengths) else 0
    return None if axes.channel == usual else axes


def ready(
    given: Source, shape: Sequence[int], held: Held | None = None, *, compared: bool = False
) -> Ready:
    """Graph prepared for pictures of `shape` (c, *image) and the held inputs.

    With `compared`, a graph that was rewritten is run beside the one that it was made of, on noise.

    Raises
    ------
    ModelError
        If the model is not valid, or can't be brought into the form that is needed; if that
        changes its scores.
    """
    model = ModelProto()
    model.CopyFrom(given.model)
    shaped(model, given.picture, shape)
    _beside(model, given.picture, held or Held())
    retyped(model, given.picture.name)
    inferring(model)
    prepared = autodiff.prepared(model)
    feeds = _noise(given, shape, held or Held())
    settle(prepared, feeds, images=given.picture.images)
    if given.several is not None:
        measure(prepared, given.several)
    if compared:
        check_same(model, prepared, given.answer, feeds)
    own = [node for node in prepared.graph.node if _is_own(node) and node.name != TURNED]
    end = closing(prepared, given.answer)
    undone = end and _scored(without(prepared, end), given)
    return Ready(_scored(prepared, given), undone, end and CLOSING[end.op_type], own)


def _is_own(node: NodeProto) -> bool:
    added = node.output[0].startswith(autodiff.PREFIX) or node.output[0].endswith(ROW)
    return node.op_type != "Constant" and not added


def _noise(given: Source, shape: Sequence[int], held: Held) -> dict[str, np.ndarray]:
    """Feeds of a survey: pictures of noise, and the held inputs of the first picture for each."""
    images = given.picture.images or IMAGES_IN_A_SURVEY
    x = np.random.default_rng(0).normal(size=(images, *shape)).astype(np.float32)
    x = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if given.picture.channels_last else x
    own = held.of([0])
    rows = own.spread(lambda row: np.repeat(row, images, axis=0))
    return {given.picture.name: x, **{str(name): value for name, value in rows.items()}}


def shaped(model: ModelProto, picture: PictureInput, shape: Sequence[int]) -> None:
    """Write the shape into the input, and clear all other shapes for inference."""
    value = next(value for value in model.graph.input if value.name == picture.name)
    kind = value.type.tensor_type
    del kind.shape.dim[:], model.graph.value_info[:]
    for length in picture.native(shape):
        dim = kind.shape.dim.add()
        if isinstance(length, int):
            dim.dim_value = length
        else:
            dim.dim_param = length
    for value in model.graph.output:
        for dim in value.type.tensor_type.shape.dim:
            dim.Clear()


def _beside(model: ModelProto, picture: PictureInput, held: Held) -> None:
    """Write the shapes of the held inputs into the graph."""
    counted = IMAGES if picture.images is None else picture.images
    shapes = {name: (counted, *value.shape[1:]) for name, value in held.rows.items()}
    shapes |= {name: value.shape for name, value in held.whole.items()}
    for value in model.graph.input:
        if value.name in shapes:
            kind = value.type.tensor_type
            kind.shape.CopyFrom(
                helper.make_tensor_type_proto(kind.elem_type, shapes[value.name]).tensor_type.shape
            )


def _scored(model: ModelProto, given: Source) -> OnnxGraph:
    flat = given.boxes is None
    return OnnxGraph(model, given.picture.name, with_scores(model, given.answer, flat=flat))
