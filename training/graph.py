"""The shipped architecture as an ONNX graph."""

import json

from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from xai_heatmap.networks.loading.demo.architecture import SIDE, STEPS, Convolution
from xai_heatmap.networks.loading.demo.shipped import Arrays
from xai_heatmap.networks.onnx.metadata import LABELS, PREPROCESS, write
from xai_heatmap.scenes import CLASSES

OPSET, IR_VERSION = 18, 9
"""Old enough for every onnxruntime that the project supports."""

PREPARED = {"mode": "tf", "input_size": [SIDE, SIDE], "fit": "crop", "ratio": 1.0}
"""x / 127.5 - 1, of the largest square."""


def graph(arrays: Arrays, *, name: str) -> ModelProto:
    """Every node is named after its step, and its tensor likewise; batches are of any size."""
    made = helper.make_graph(
        _nodes(),
        name,
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("classifier", TensorProto.FLOAT, ["n", len(CLASSES)])],
        [numpy_helper.from_array(array, key) for key, array in arrays.items()],
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="xai-heatmap training",
    )
    write(model, {LABELS: json.dumps(list(CLASSES)), PREPROCESS: json.dumps(PREPARED)})
    checker.check_model(model, full_check=True)
    return model


def _nodes() -> list[NodeProto]:
    nodes = []
    x = "picture"
    for step in STEPS:
        if isinstance(step, Convolution):
            nodes += _convolved(step, x)
        else:
            y = x
            for part in step.steps:
                nodes += _convolved(part, y)
                y = part.name
            nodes.append(_node("Add", x, y, called=f"{step.name}.sum"))
            nodes.append(_node("Relu", f"{step.name}.sum", called=step.name))
        x = step.name
    return [
        *nodes,
        _node("GlobalAveragePool", x, called="pool"),
        _node("Flatten", "pool", called="flatten"),
        _node(
            "Gemm", "flatten", "classifier.weight", "classifier.bias", called="classifier", transB=1
        ),
    ]


def _convolved(step: Convolution, x: str) -> list[NodeProto]:
    """A convolution; where a ReLU follows, that has the step's name."""
    convolution = _node(
        "Conv",
        x,
        f"{step.name}.weight",
        f"{step.name}.bias",
        called=f"{step.name}.conv" if step.relu else step.name,
        kernel_shape=[step.kernel] * 2,
        pads=[step.padding] * 4,
        strides=[step.stride] * 2,
        group=step.groups,
    )
    if not step.relu:
        return [convolution]
    return [convolution, _node("Relu", convolution.name, called=step.name)]


def _node(operator: str, *inputs: str, called: str, **how: object) -> NodeProto:
    return helper.make_node(operator, inputs, [called], name=called, **how)
