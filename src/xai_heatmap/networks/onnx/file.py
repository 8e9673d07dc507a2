"""ONNX files as models in memory, checked, with external data."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, NodeProto, TensorProto

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import ModelError, NotAModel, UnsafeModel
from xai_heatmap.networks.loading.loaded import Loaded

LARGEST = 2**31 - 1
"""Most bytes of a protobuf message, and so of a model in memory."""

LONGEST_NAME = 1000
"""Most letters of the path of a file beside the model."""


@dataclass(frozen=True)
class OnnxFile:
    """Model with the name of the source file."""

    model: ModelProto
    name: str


def load_onnx_file(path: Path) -> Loaded:
    """Model in `path`, with weights from files beside `path`.

    Raises
    ------
    NotAModel
        For a file that is not ONNX, or is cut off.
    UnsafeModel
        If it asks for a file outside of its own folder.
    ModelError
        If weights beside it are missing or too short, or all together are larger than 2 GB.
    """
    model, beside = _read(path)
    return Loaded(OnnxFile(model, path.stem), files=(path, *beside))


def _read(path: Path) -> tuple[ModelProto, set[Path]]:
    """Model in a file, and the other files that hold weights of the model."""
    _fits(path.stat().st_size, path)
    model = ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except DecodeError:
        raise NotAModel(
            f"An ONNX model was expected; {str(path)!r} is none, or it is cut off "
            f"({path.stat().st_size} bytes). Copy, download or export it again."
        ) from None
    if not model.graph.node:
        raise NotAModel(
            f"An ONNX model was expected; {str(path)!r} holds no graph. Export it again."
        )
    outside = [tensor for tensor in tensors(model) if is_outside(tensor)]
    _fits(path.stat().st_size + sum(_span(tensor, path)[1] for tensor in outside), path)
    beside = {_beside(tensor, path) for tensor in outside}
    for tensor in outside:
        _fetch(tensor, path)
    return model, beside


def is_outside(tensor: TensorProto) -> bool:
    """Whether the numbers lie in another file."""
    return tensor.data_location == TensorProto.EXTERNAL


def tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Every constant of a model, including constants in nodes, subgraphs and functions."""
    yield from _in_graph(model.graph)
    for function in model.functions:
        yield from _in_nodes(function.node)


def _in_graph(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _in_nodes(graph.node)


def _in_nodes(nodes: Iterable[NodeProto]) -> Iterator[TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("g"):
                yield from _in_graph(attribute.g)
            for graph in attribute.graphs:
                yield from _in_graph(graph)


def _fetch(tensor: TensorProto, path: Path) -> None:
    offset, length = _span(tensor, path)
    with _beside(tensor, path).open("rb") as file:
        file.seek(offset)
        tensor.raw_data = file.read(length)
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]


def _span(tensor: TensorProto, path: Path) -> tuple[int, int]:
    """Offset and length, in bytes, of the external data of a tensor."""
    size = _beside(tensor, path).stat().st_size
    said = {entry.key: entry.value for entry in tensor.external_data}
    offset, length = (_bytes(said.get(key)) for key in ("offset", "length"))
    offset = 0 if offset is None else offset
    length = size - offset if length is None else length
    if offset < 0 or length < 0 or offset + length > size:
        raise ModelError(
            f"The weights {tensor.name!r} of {str(path)!r} are bytes {offset} to "
            f"{offset + length} of {said['location']!r}, which has {size}. The file is cut off or "
            f"belongs to another model; copy both files again."
        )
    return offset, length


def _bytes(text: str | None) -> int | None:
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1


def _beside(tensor: TensorProto, path: Path) -> Path:
    """Path of the file with the external data of a tensor, within the model's own folder."""
    location = next((e.value for e in tensor.external_data if e.key == "location"), "")
    if len(location) > LONGEST_NAME:
        raise UnsafeModel(
            f"{str(path)!r} takes weights from a file whose name has "
            f"{counted(len(location), 'letter')}, "
            f"{location[:40]!r}..., which is none, and is not opened. Export the model again, in "
            f"one file."
        )
    folder = path.parent.resolve()
    found = Path(os.path.realpath(folder / location)) if "\0" not in location else folder
    if not location or not found.is_relative_to(folder) or found == folder:
        raise UnsafeModel(
            f"{str(path)!r} takes weights from {location!r}, which is not in the model's own "
            f"folder, and is not opened. Export the model again, in one file."
        )
    if not found.is_file():
        raise ModelError(
            f"{str(path)!r} keeps weights in {location!r}, and there is no such file beside it. "
            f"Copy that file too, or export the model in one file."
        )
    return found


def _fits(size: int, path: Path) -> None:
    if size > LARGEST:
        raise ModelError(
            f"{str(path)!r} has {size / 1e9:.1f} GB with its weights; models of up to "
            f"{LARGEST / 1e9:.1f} GB can be opened. Give the PyTorch or Keras model that it was "
            f"exported from."
        )
