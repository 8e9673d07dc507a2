"""Modules of the PyTorch model from which a file was exported, found in the metadata of nodes."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from onnx import NodeProto

from xai_heatmap.networks.onnx.cut import reads

SCOPES, CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"
"""Metadata that torch.onnx.export(dynamo=True) writes into each node: paths of the modules around
the node, from the outermost in, then the node's own name; and the classes of the modules."""

LONGEST = 20_000
"""Most letters of an entry that is read."""


@dataclass(frozen=True)
class Answered:
    """Output of one call of a module.

    Parameters
    ----------
    path, kind
        Of the module, and its class.
    tensor
        Its answer, or the first one.
    """

    path: str
    kind: str
    tensor: str


def modules(nodes: Sequence[NodeProto], outputs: Sequence[str]) -> list[Answered]:
    """Every call of every module, in order of completion; empty without metadata in the nodes.

    A module's answer is what is computed in it and read outside of it.
    """
    around = [_around(node) for node in nodes]
    inside = {node.output[0]: set(own) for node, own in zip(nodes, around, strict=True)}
    readers: dict[str, list[Mapping[str, str]]] = {}
    for node, own in zip(nodes, around, strict=True):
        for name in reads(node):
            readers.setdefault(name, []).append(own)
    taken = {name for node in nodes for name in (node.name, *node.output)}
    return [
        Answered(path, kind, tensor)
        for node, own in zip(nodes, around, strict=True)
        for path, kind in reversed(list(own.items()))
        if path in inside[tensor := node.output[0]] and path not in taken
        if tensor in outputs or any(path not in other for other in readers.get(tensor, []))
    ]


def _around(node: NodeProto) -> Mapping[str, str]:
    """The modules around a node with their classes, from the outermost in."""
    said = {entry.key: entry.value for entry in node.metadata_props}
    paths, kinds = (list(_words(said.get(key, ""))) for key in (SCOPES, CLASSES))
    kinds += [""] * (len(paths) - len(kinds))
    pairs = list(zip(paths, kinds, strict=False))[:-1]
    return {path: kind.rpartition(".")[2] or "Module" for path, kind in pairs if path}


def _words(text: str) -> Iterator[str]:
    """Words of a list in Python syntax; empty for anything else."""
    if not text or len(text) > LONGEST:
        return
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return
    if isinstance(found, list) and all(isinstance(w, str) and w.isprintable() for w in found):
        yield from found
