"""Picture input of an ONNX graph: name, shape, type and axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray, ModelError
from xai_heatmap.core.layers.layout import OPEN_AXIS
from xai_heatmap.networks.opening.declared_inputs import Declaration, picture_among
from xai_heatmap.networks.opening.held import Given, Name

IMAGES = "images"
"""Symbol of the image axis where the length is open."""

CHANNELS = (1, 3, 4)
"""Usual numbers of channels; an axis of such a length is read as channels."""

MOST_IMAGES = 1024
"""Most images per run of a file with a fixed number, all of which every run computes."""

REAL = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
WHOLE = (TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32, TensorProto.INT64)

CARRIES = ("Transpose", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten")
"""Operators that only rearrange values of any type."""

Length = int | None


@dataclass(frozen=True)
class PictureInput:
    """Picture input of a graph.

    Parameters
    ----------
    name
        Of the graph's input.
    lengths
        Of its axes, channels where they are, None where a length is open; images first.
    channels_last
        Whether the channels are the last axis.
    """

    name: str
    lengths: tuple[Length, ...]
    channels_last: bool

    @property
    def images(self) -> Length:
        """Number of images per run, None where any number fits."""
        return self.lengths[0]

    @property
    def usual(self) -> tuple[int, ...]:
        """(c, *image), with 3 channels and usual sides where lengths are open."""
        channels, *image = self._channels_first(self.lengths[1:])
        return (channels or 3, *(length or OPEN_AXIS[len(image)] for length in image))

    @property
    def says_something(self) -> bool:
        """Whether the file fixes a side, or another number of channels than 3."""
        channels, *image = self._channels_first(self.lengths[1:])
        return channels not in (None, 3) or any(length is not None for length in image)

    def native(self, shape: Sequence[int]) -> tuple[int | str, ...]:
        """Graph's own shape for pictures of `shape` (c, *image), checked against the file.

        Raises
        ------
        BadArray
            If the graph takes others.
        """
        own = self._channels_first(self.lengths[1:])
        fits = len(own) == len(shape) and all(
            length in (None, given) for length, given in zip(own, shape, strict=True)
        )
        if not fits:
            takes = "x".join("any" if length is None else str(length) for length in own)
            raise BadArray(
                f"The model takes pictures of {takes}; received {'x'.join(map(str, shape))}. Leave "
                f"the size to the model, or export it with open lengths."
            )
        inner = (*shape[1:], shape[0]) if self.channels_last else tuple(shape)
        return (IMAGES if self.images is None else self.images, *inner)

    def _channels_first(self, inner: tuple[Length, ...]) -> tuple[Length, ...]:
        return (inner[-1], *inner[:-1]) if self.channels_last else inner


def picture_input(
    model: ModelProto,
    *,
    image_shape: Sequence[int] | None = None,
    held: Given = MappingProxyType({}),
    picture: Name | None = None,
) -> PictureInput:
    """Picture input of a graph; `image_shape` fills the lengths that the file leaves open.

    Raises
    ------
    ModelError
        If there is none; if an axis is empty or all of them are open.
    BadOption
        If another input is not held.
    """
    value = _picture(model, held, picture)
    kind = value.type.tensor_type
    if kind.elem_type not in (*REAL, *WHOLE):
        raise ModelError(
            f"A model that takes numbers is needed; {value.name!r} takes "
            f"{TensorProto.DataType.Name(kind.elem_type).lower()}. Export the part behind it."
        )
    if not kind.HasField("shape"):
        if image_shape is None:
            raise _open(value.name, "any number of axes")
        return PictureInput(value.name, (None,) * (len(image_shape) + 1), channels_last=False)
    lengths = tuple(_length(dim, value.name) for dim in kind.shape.dim)
    if not 3 <= len(lengths) <= 5:
        raise ModelError(
            f"A model that takes pictures is needed, (images, channels, rows, columns); "
            f"{value.name!r} has {counted(len(lengths), 'axis', 'axes')}. Export the part "
            "that takes the picture."
        )
    if lengths[0] is not None and lengths[0] > MOST_IMAGES:
        raise ModelError(
            f"At most {MOST_IMAGES} images at a time can be handed to a model; {value.name!r} "
            f"takes {lengths[0]}. Export the model for one image, or for any number."
        )
    if all(length is None for length in lengths[1:]) and image_shape is None:
        raise _open(value.name, f"{counted(len(lengths), 'axis', 'axes')} of open length")
    return PictureInput(value.name, lengths, channels_last(model, value.name, lengths))


def retyped(model: ModelProto, name: str) -> None:
    """Change the picture input to float32, with a Cast where the graph needs another type."""
    value = next(value for value in model.graph.input if value.name == name)
    own = value.type.tensor_type.elem_type
    value.type.tensor_type.elem_type = TensorProto.FLOAT
    if own == TensorProto.FLOAT or (own in WHOLE and _only_cast(model, name)):
        return
    inner = f"{name} as {TensorProto.DataType.Name(own).lower()}"
    for node in model.graph.node:
        node.input[:] = [inner if read == name else read for read in node.input]
    steps = [helper.make_node("Cast", [name], [inner], name=inner, to=own)]
    if own in WHOLE:
        whole = f"{name} in whole numbers"
        steps[0].input[0] = whole
        steps.insert(0, helper.make_node("Round", [name], [whole], name=whole))
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*steps, *rest])


def declarations(model: ModelProto, images: Length = None) -> dict[str, Declaration]:
    """Declaration of every input of the file, for a graph that takes `images` images per run.

    An axis of another fixed length than the images counts something else.
    """
    found: dict[str, Declaration] = {}
    for value in model.graph.input:
        kind = value.type.tensor_type
        shape = lengths(value) if kind.HasField("shape") else None
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type or TensorProto.FLOAT)
        counts = shape is None or (len(shape) > 0 and shape[0] in (None, images))
        found[value.name] = Declaration(shape, dtype, whole=not counts)
    return found


def given_inputs(model: ModelProto) -> list[ValueInfoProto]:
    """Inputs that are given in a run; old files list their weights among the inputs too."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in stored]


def lengths(value: ValueInfoProto) -> tuple[Length, ...]:
    """Length of every axis, None where the file leaves the length open."""
    dims = value.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in dims)


def _picture(model: ModelProto, held: Given, picture: Name | None) -> ValueInfoProto:
    inputs = [value for value in model.graph.input if value.type.HasField("tensor_type")]
    if not inputs or len(inputs) < len(model.graph.input):
        names = ", ".join(repr(value.name) for value in model.graph.input) or "none"
        raise ModelError(
            f"A model that takes a picture, and nothing but arrays beside it, is needed; this one "
            f"takes {names}. Make the others constant when you export it."
        )
    name = picture_among(declarations(model), held, picture, model="The model")
    return next(value for value in inputs if value.name == name)


def _length(dim: object, name: str) -> Length:
    if not dim.HasField("dim_value"):  # type: ignore[attr-defined] - protobuf's classes are made at run time
        return None
    if dim.dim_value < 1:  # type: ignore[attr-defined] - as above
        raise ModelError(
            f"A model that takes pictures is needed; an axis of {name!r} has length "
            f"{dim.dim_value}. "  # type: ignore[attr-defined] - as above
            f"Export it again with the size of a picture, or with open lengths."
        )
    return dim.dim_value  # type: ignore[attr-defined] - as above


def channels_last(model: ModelProto, name: str, lengths: tuple[Length, ...]) -> bool:
    """Whether the channels are the last axis: by the lengths, else by a transpose of the input."""
    first, last = (lengths[axis] in CHANNELS for axis in (1, -1))
    if first != last:
        return last
    readers = [node for node in model.graph.node if name in node.input]
    turned = [helper.get_node_attr_value(n, "perm") for n in readers if n.op_type == "Transpose"]
    return bool(turned) and turned[0][1] == len(lengths) - 1


def _only_cast(model: ModelProto, name: str) -> bool:
    """Whether whole numbers are turned into real ones before anything is computed from them."""
    carried = {name}
    for node in model.graph.node:
        if carried.intersection(node.input[:1]):
            if node.op_type in CARRIES:
                carried.update(node.output)
            elif node.op_type != "Cast" or helper.get_node_attr_value(node, "to") not in REAL:
                return False
    return True


def _open(name: str, what: str) -> ModelError:
    return ModelError(
        f"The shape of a picture is needed, and the input {name!r} takes {what}. Say it with "
        f"image_shape=(channels, rows, columns), on the command line with --size ROWSxCOLUMNS, or "
        f"export the model with it."
    )
