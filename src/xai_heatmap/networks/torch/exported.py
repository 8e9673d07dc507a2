"""Models of ``torch.export``: graphs of operators, each turned into a named submodule."""

import weakref
from typing import Any

import torch
from torch import fx, nn

from xai_heatmap.networks.opening.network import OpenedNetwork
from xai_heatmap.networks.torch.model import open_torch
from xai_heatmap.networks.torch.operator import Operator

_opened: "weakref.WeakKeyDictionary[Any, nn.Module]" = weakref.WeakKeyDictionary()
"""Graphs with submodules by original graph, kept as long as the original."""


def open_exported(program: Any, **options: Any) -> OpenedNetwork:
    """A network over an exported program."""
    if program not in _opened:
        _opened[program] = in_parts(program.module())
    return open_torch(_opened[program], **options)


def open_graph(module: fx.GraphModule, **options: Any) -> OpenedNetwork:
    """Network over a graph module; operators become submodules if the graph calls no modules."""
    bare = not any(node.op == "call_module" and _runs(module, node) for node in module.graph.nodes)
    if not bare:
        return open_torch(module, **options)
    if module not in _opened:
        _opened[module] = in_parts(module)
    return open_torch(_opened[module], **options)


def in_parts(module: fx.GraphModule) -> fx.GraphModule:
    """Copy of a graph with a submodule for each operator; the weights are shared with `module`."""
    graph = fx.Graph()
    graph.output(graph.graph_copy(module.graph, {}))
    graph.set_codegen(module.graph._codegen)  # noqa: SLF001 - it packs inputs and outputs
    parts = {name: own for name, own in module.named_modules(remove_duplicate=False) if name}
    root = nn.Module()
    for name, own in module.named_children():
        root.add_module(name, own)
    for name, weight in module.named_parameters(recurse=False):
        root.register_parameter(name, weight)
    for name, buffer in module.named_buffers(recurse=False):
        root.register_buffer(name, buffer)
    for name, value in vars(module).items():
        if isinstance(value, torch.Tensor):
            setattr(root, name, value)
    for node in list(graph.nodes):
        if node.op != "call_function" or not node.all_input_nodes:
            continue
        name = node.name
        while name in parts or hasattr(root, name):
            name += "_"
        operator = type(_kind(node), (Operator,), {})(node)
        root.add_module(name, operator)
        read = tuple(node.all_input_nodes)
        node.op, node.target = "call_module", name
        node.args, node.kwargs = read, {}
    return fx.GraphModule(root, graph, type(module).__name__)


def _runs(module: fx.GraphModule, node: fx.Node) -> bool:
    """Whether a call of a module computes something, unlike a check of the inputs."""
    return not str(node.target).startswith("_guards")


def _kind(node: fx.Node) -> str:
    """Short name of an operator: ``conv2d`` of ``aten.conv2d.default``."""
    said = str(node.target) if "." in str(node.target) else getattr(node.target, "__name__", "op")
    parts = said.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "aten" else parts[-1]
