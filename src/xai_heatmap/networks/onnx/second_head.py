"""Second copy of the graph behind some tensors, which a runtime can't merge with the first."""

import numpy as np
from onnx import ModelProto, NodeProto, ValueInfoProto, helper, numpy_helper

from xai_heatmap.networks.onnx.cut import depending_on, infos, leading_to

APART = "apart/"


def second_head(
    model: ModelProto, tensors: list[str], *, begin: list[str], scores: str, input_: str
) -> dict[str, str]:
    """Write a second head into the model; return the names of `tensors` and scores in the copy.

    The copy begins at the tensors `begin`, and there with a factor of 1 that only the run can tell
    is 1: it is computed from `input_`, an input of whole numbers. Otherwise a runtime would merge
    equal expressions again.
    """
    nodes = list(model.graph.node)
    below = depending_on(begin, nodes)
    own = [node for node in nodes if below.intersection(node.output)]
    roots = [name for name in begin if name not in _behind(begin, own)]
    head = list(leading_to([scores, *tensors], own, given=roots))
    copied = {*roots, *(name for node in head for name in node.output if name)}
    known = infos(model)
    kind = known[roots[0]].type.tensor_type.elem_type
    _store(model, f"{APART}least", np.array(np.iinfo(np.int64).min))
    _store(model, f"{APART}axis", np.array([0]))
    model.graph.node.extend(
        [
            _node("ReduceMax", [input_, f"{APART}axis"], f"{APART}largest"),
            _node("GreaterOrEqual", [f"{APART}largest", f"{APART}least"], f"{APART}always"),
            helper.make_node("Cast", [f"{APART}always"], [f"{APART}one"], f"{APART}one", to=kind),
            *(_node("Mul", [name, f"{APART}one"], f"{APART}{name}") for name in roots),
        ]
    )
    for node in head:
        copy = NodeProto()
        copy.CopyFrom(node)
        copy.name = f"{APART}{node.name}" if node.name else ""
        for names in (copy.input, copy.output):
            names[:] = [f"{APART}{name}" if name in copied else name for name in names]
        model.graph.node.append(copy)
    for name in copied.intersection(known):
        info = ValueInfoProto()
        info.CopyFrom(known[name])
        info.name = f"{APART}{name}"
        model.graph.value_info.append(info)
    return {name: f"{APART}{name}" for name in [scores, *tensors]}


def _behind(tensors: list[str], nodes: list[NodeProto]) -> set[str]:
    """Tensors among `tensors` that depend on another one among `tensors`."""
    return {
        name
        for name in tensors
        if name in depending_on([other for other in tensors if other != name], nodes)
    }


def _store(model: ModelProto, name: str, value: np.ndarray) -> None:
    model.graph.initializer.append(numpy_helper.from_array(value, name))


def _node(operator: str, inputs: list[str], output: str) -> NodeProto:
    return helper.make_node(operator, inputs, [output], name=output)
