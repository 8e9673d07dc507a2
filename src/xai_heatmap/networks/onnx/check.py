"""Checks of an ONNX model for validity, before anything is computed."""

from heapq import heappop, heappush

from onnx import ModelProto, TensorProto, defs

from xai_heatmap.core.errors import ModelError, NotAModel
from xai_heatmap.networks.onnx.cut import reads
from xai_heatmap.networks.onnx.file import LARGEST, is_outside, tensors

STANDARD = ("", "ai.onnx")

DOMAINS = (*STANDARD, "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")
"""Domains of operators in onnxruntime."""


def check_whole(model: ModelProto) -> None:
    """Sizes, weights, versions, domains and order.

    Raises
    ------
    ModelError, NotAModel
        For the first thing that is wrong.
    """
    _check_text(model)
    _check_types(model)
    _check_weights(model)
    _check_domains(model)
    _check_order(model)


def _check_text(model: ModelProto) -> None:
    graph = model.graph
    words = [word for node in graph.node for word in (node.name, node.op_type, node.domain)]
    words += [name for node in graph.node for name in (*node.input, *node.output)]
    words += [value.name for value in (*graph.input, *graph.output, *graph.initializer)]
    words += [graph.name, *(used.domain for used in model.opset_import)]
    if any(isinstance(word, bytes) for word in words):
        raise NotAModel(
            "An ONNX model was expected, and names in this one are not text. Copy, download or "
            "export it again."
        )


def _check_types(model: ModelProto) -> None:
    graph = model.graph
    values = [*graph.input, *graph.output, *graph.value_info]
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    types |= {tensor.name: tensor.data_type for tensor in tensors(model)}
    known = TensorProto.DataType.values()
    if unknown := next((item for item in types.items() if item[1] not in known), None):
        raise ModelError(
            f"Types of numbers that the installed onnx knows are needed; {unknown[0]!r} is of type "
            f"number {unknown[1]}. Run: pip install --upgrade onnx onnxruntime, or export the "
            f"model again."
        )


def _check_weights(model: ModelProto) -> None:
    if (size := sum(len(tensor.raw_data) for tensor in tensors(model))) > LARGEST:
        raise ModelError(
            f"Models of up to {LARGEST / 1e9:.1f} GB can be opened; this one holds "
            f"{size / 1e9:.1f} GB. Give the PyTorch or Keras model that it was exported from."
        )
    if lost := next((tensor for tensor in tensors(model) if is_outside(tensor)), None):
        raise ModelError(
            f"The weights {lost.name!r} lie in another file and were not loaded. Give the path of "
            f"the .onnx file instead of the model, or load them with onnx.load(path)."
        )


def _check_domains(model: ModelProto) -> None:
    newest = defs.onnx_opset_version()
    for used in model.opset_import:
        if used.domain in STANDARD and not 1 <= used.version <= newest:
            raise ModelError(
                f"An opset from 1 to {newest} is needed, which is what the installed onnx knows; "
                f"the model has {used.version}. Run: pip install --upgrade onnx onnxruntime, or "
                f"export the model with an older opset."
            )
    known = {*DOMAINS, *(function.domain for function in model.functions)}
    for node in model.graph.node:
        if node.domain not in known:
            raise ModelError(
                f"Operators that onnxruntime has are needed; node {node.name!r} "
                f"({node.op_type}) is of the domain {node.domain!r}. Export the model with "
                f"standard operators."
            )


def in_order(model: ModelProto) -> ModelProto:
    """The model, with its nodes in order of execution where they are not, as runtimes put them.

    Nodes of a cycle, and those that read what no node makes, stay behind the others.
    """
    graph = model.graph
    makers = {name: number for number, node in enumerate(graph.node) for name in node.output}
    waits = [{makers[name] for name in reads(node) if name in makers} for node in graph.node]
    if all(number > max(made, default=-1) for number, made in enumerate(waits)):
        return model
    readers: dict[int, list[int]] = {}
    for number, made in enumerate(waits):
        for maker in made:
            readers.setdefault(maker, []).append(number)
    order = list[int]()
    ready = [number for number, made in enumerate(waits) if not made]
    while ready:  # the foremost of those that can run, so that as little as possible is moved
        order.append(heappop(ready))
        for reader in readers.get(order[-1], ()):
            waits[reader].discard(order[-1])
            if not waits[reader]:
                heappush(ready, reader)
    left = sorted({*range(len(waits))} - {*order})
    turned = ModelProto()
    turned.CopyFrom(model)
    del turned.graph.node[:]
    turned.graph.node.extend(graph.node[number] for number in [*order, *left])
    return turned


def _check_order(model: ModelProto) -> None:
    graph = model.graph
    made = {value.name for value in (*graph.input, *graph.initializer)}
    made.update(tensor.values.name for tensor in graph.sparse_initializer)
    for node in graph.node:
        if absent := {name for name in node.input if name} - made:
            later = any(absent.intersection(other.output) for other in graph.node)
            why = "is made of it in turn: a cycle" if later else "is nowhere"
            raise ModelError(
                f"A graph in order of execution is needed; node {node.name!r} ({node.op_type}) "
                f"reads {min(absent)!r}, which {why}. Export the model again."
            )
        made.update(node.output)
    for value in graph.output:
        if value.name not in made:
            raise ModelError(
                f"The model says that it answers {value.name!r}, which no node computes. Export "
                f"the model again."
            )
