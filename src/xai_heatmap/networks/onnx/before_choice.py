"""Boxes of a detector before the step of an ONNX graph that chooses among them."""

from collections.abc import Collection, Mapping, Sequence

from onnx import ModelProto, NodeProto, ValueInfoProto

from xai_heatmap.core.boxes.spec import Order
from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.cut import depending_on, leading_to, reads
from xai_heatmap.networks.onnx.input import given_inputs, lengths
from xai_heatmap.networks.opening.box_rows import BOX, covers_levels

CHOOSING = ("NonMaxSuppression", "EfficientNMS_TRT", "BatchedNMS_TRT", "BatchedNMSDynamic_TRT")
"""Operators that choose among boxes, behind which nothing has a gradient."""

DROPPING = ("NonZero", "TopK", "Compress", "Unique")
"""Operators that leave values out by what they are, as is done before boxes are chosen."""

TURNING = ("Transpose", "Identity", "Cast")
"""Operators that hold the same numbers as what they read."""

OF_LENGTHS = ("Shape", "Size")
"""Operators that read how long a tensor is, and none of its values."""


def boxes_before(
    model: ModelProto, answers: Sequence[str], choosing: NodeProto, image: Sequence[int]
) -> ValueInfoProto | None:
    """The tensor (images, numbers, boxes) or (images, boxes, numbers) that all the answers are made
    of, before anything is left out; None where no tensor is as long as levels of such a picture
    have places.

    Parameters
    ----------
    model
        The whole graph.
    answers
        Outputs that come out of the choice.
    choosing
        The node that chooses.
    image
        Rows and columns of the picture.
    """
    if len(image) != 2:
        return None
    before = list(leading_to(choosing.input[:2], model.graph.node))
    every = list(leading_to(answers, model.graph.node))
    dropped = [name for node in every if node.op_type in DROPPING for name in node.output]
    left_out = depending_on(dropped, every)
    known = known_at(model, image)
    shapes = {name: lengths(one) for name, one in known.items()}
    producers = {name: node for node in every for name in node.output}
    found: str | None = None
    for node in before:
        name = node.output[0]
        if name in left_out or not _as_many(shapes.get(name, ()), image):
            continue
        if not _passes_by(name, answers, producers, _pictures(model)):
            found = name
    while found is not None and (node := producers[found]).op_type in TURNING:
        if not _as_many(shapes.get(node.input[0], ()), image):
            break
        found = node.input[0]
    return None if found is None else known[found]


def order_before(model: ModelProto, tensor: str, choosing: NodeProto) -> Order:
    """What the four numbers of a box are in a tensor of boxes: the node that chooses is given
    corners, so corners they are, unless something is subtracted on the way, or the node says that
    it takes centres.
    """
    if any(a.name == "center_point_box" and a.i for a in choosing.attribute):
        return "cxcywh"
    between = list(leading_to(choosing.input[:1], model.graph.node, given=[tensor]))
    behind = depending_on([tensor], between)
    turned = (n for n in between if n.op_type == "Sub" and behind.intersection(n.output))
    return "xyxy" if next(turned, None) is None else "cxcywh"


def _as_many(shape: Sequence[int | None], image: Sequence[int]) -> bool:
    """Whether a tensor has a row of numbers for each of as many boxes as levels have places."""
    if len(shape) != 3:
        return False
    sides = [side for side in shape[1:] if side is not None]
    return len(sides) == 2 and min(sides) > BOX and covers_levels(max(sides), image)


def _passes_by(
    name: str,
    answers: Sequence[str],
    producers: Mapping[str, NodeProto],
    pictures: Collection[str],
) -> bool:
    """Whether a path from the picture to the answers runs past the tensor `name`; how long a tensor
    is, is no such path.
    """
    seen, todo = set[str](), list(answers)
    while todo:
        own = todo.pop()
        if own in seen or own == name:
            continue
        if own in pictures:
            return True
        seen.add(own)
        node = producers.get(own)
        if node is not None and node.op_type not in OF_LENGTHS:
            todo.extend(reads(node))
    return False


def _pictures(model: ModelProto) -> set[str]:
    return {value.name for value in given_inputs(model)}


def known_at(model: ModelProto, image: Sequence[int]) -> dict[str, ValueInfoProto]:
    """Types and shapes of tensors, for a picture of that size; none where onnx finds none."""
    copy, pictures = ModelProto(), _pictures(model)
    copy.CopyFrom(model)
    for value in copy.graph.input:
        sides = value.type.tensor_type.shape.dim
        if value.name in pictures and len(sides) == 4:
            last = sides[3].dim_value in (1, 3) and sides[1].dim_value not in (1, 3)
            for side, length in zip(sides[1:3] if last else sides[2:], image, strict=True):
                side.dim_value = length
    for value in copy.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        known = autodiff.prepared(copy).graph
    except ModelError:
        return {}
    infos = [*known.value_info, *known.output]
    return {one.name: one for one in infos if one.type.tensor_type.HasField("shape")}
