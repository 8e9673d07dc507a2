"""Types and shapes that onnx can't infer, read off one run."""

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import ModelProto, ValueInfoProto, helper

from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.onnx.cut import depending_on, infos, part
from xai_heatmap.networks.onnx.input import IMAGES
from xai_heatmap.networks.onnx.session import Means, Session, array, value


def answers(
    model: ModelProto, names: Sequence[str], feeds: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Tensors of a graph, run once on the CPU.

    Raises
    ------
    ModelError
        If onnxruntime can't.
    """
    inputs = [info.name for info in model.graph.input]
    cut = part(model, model.graph.node, inputs=inputs, outputs=list(names))
    found = Session(cut, Means())({n: value(feeds[n]) for n in inputs})
    return {name: array(one) for name, one in found.items()}


def settle(model: ModelProto, feeds: Mapping[str, np.ndarray], *, images: int | None) -> None:
    """Write value info for the outputs of operators unknown to onnx, read off one run.

    Parameters
    ----------
    model
        Is changed.
    feeds
        What goes in.
    images
        How many images go in at a time, None where any number.
    """
    known = {name for name, info in infos(model).items() if info.type.tensor_type.elem_type}
    known.update(tensor.name for tensor in model.graph.initializer)
    moving = depending_on(feeds, model.graph.node)
    missing = [o for node in model.graph.node for o in node.output if o in moving - known]
    if not missing:
        return
    try:
        found = answers(model, missing, feeds)
    except ModelError:
        return  # what does not run is refused where it is first run, in the runtime's words
    count = len(next(iter(feeds.values())))
    own = set(missing)
    kept = [info for info in model.graph.value_info if info.name not in own]
    del model.graph.value_info[:]
    outputs = {info.name: info for info in model.graph.output}
    for name, one in found.items():
        info = _info(name, one, count if images is None else None)
        if name in outputs:
            outputs[name].CopyFrom(info)
        else:
            kept.append(info)
    model.graph.value_info.extend(kept)


def _info(name: str, one: np.ndarray, count: int | None) -> ValueInfoProto:
    """Value info of an array; with `count`, the first axis is open."""
    shape: list[int | str | None] = list(one.shape)
    if count is not None and shape:
        shape[0] = IMAGES if shape[0] == count else None
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(one.dtype), shape)
