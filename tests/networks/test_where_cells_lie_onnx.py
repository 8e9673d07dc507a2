"""Where the cells of ONNX nodes lie: a bright patch against the heat that it leaves."""

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

import xai_heatmap as xh

SIZE = (64, 72)
PATCH = 16
ROW, COLUMN = 24, 32
KERNELS = {
    f"mean{n}": (np.eye(3).reshape(3, 3, 1, 1) * np.ones((1, 1, n, n)) / n**2).astype(np.float32)
    for n in (2, 3, 4, 5)
}
NUMBERS = {
    "pads": [0, 0, 2, 1, 0, 0, 0, 3],
    "starts": [1, -17],
    "ends": [99, -1],
    "axes": [2, 3],
}
SCALES = np.array([1, 1, 2, 2], np.float32)


def of(kind: str, *inputs: str, **said: object) -> NodeProto:
    return helper.make_node(kind, ["", *inputs], [""], **said)


GEOMETRIES = {
    "pads of a convolution": [
        of("Conv", "mean4", strides=[4, 4]), of("Conv", "mean3", pads=[3, 0, 1, 2])
    ],
    "valid": [of("Conv", "mean2", strides=[2, 2]), of("Conv", "mean5", auto_pad="VALID")],
    "same": [
        of("Conv", "mean4", strides=[2, 2], auto_pad="SAME_UPPER"),
        of("Conv", "mean2", auto_pad="SAME_LOWER"), of("Conv", "mean3"),
    ],
    "dilated": [of("Conv", "mean2", strides=[2, 2]), of("Conv", "mean3", dilations=[2, 3])],
    "transposed": [
        of("Conv", "mean4", strides=[4, 4]),
        of("ConvTranspose", "mean4", strides=[2, 2], pads=[0, 1, 0, 1]), of("Conv", "mean3"),
    ],
    "a padding by itself": [of("Conv", "mean4", strides=[4, 4]), of("Pad", "pads")],
    "a slice": [of("Conv", "mean4", strides=[4, 4]), of("Slice", "starts", "ends", "axes")],
    "a pool beyond the end": [
        of("Conv", "mean2", strides=[2, 2]), of("Conv", "mean4"),
        of("AveragePool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    ],
    "resized": [
        of("Conv", "mean4", strides=[4, 4]), of("Conv", "mean3"),
        of("Resize", "", "scales", mode="nearest"),
    ],
}  # fmt: skip


def model(parts: list[NodeProto]) -> ModelProto:
    nodes, before = [], "x"
    for n, part in enumerate(parts):
        node = NodeProto()
        node.CopyFrom(part)
        node.input[0], node.output[0] = before, f"y{n}"
        node.name = "looked" if n == len(parts) - 1 else f"part{n}"
        before = node.output[0]
        nodes.append(node)
    nodes += [
        helper.make_node("GlobalAveragePool", [before], ["p"], "pool"),
        helper.make_node("Flatten", ["p"], ["f"], "flat"),
        helper.make_node("MatMul", ["f", "last"], ["scores"], "last"),
    ]
    stored = KERNELS | {name: np.array(own, np.int64) for name, own in NUMBERS.items()}
    stored |= {"scales": SCALES, "last": np.ones((3, 2), np.float32)}
    read = {name for node in nodes for name in node.input}
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        for name, shape in (("x", (3, *SIZE)), ("scores", (2,)))
    )
    initial = [numpy_helper.from_array(own, n) for n, own in stored.items() if n in read]
    graph = helper.make_graph(nodes, "looked", [x], [y], initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_heat_lies_on_the_patch(name: str) -> None:
    network = xh.network(model(GEOMETRIES[name]))
    x = np.zeros((3, *SIZE), np.float32)
    x[:, ROW : ROW + PATCH, COLUMN : COLUMN + PATCH] = 1
    e = xh.explain(network, x, target=0, method="hirescam", layer="looked", preprocess="ready")
    assert e.layer.placed
    assert e.layer.extent is not None
    share = e.heat().astype(np.float64) / e.heat().sum()
    for axis, middle in enumerate((ROW + PATCH / 2, COLUMN + PATCH / 2)):
        found = share.sum(1 - axis) @ (np.arange(SIZE[axis]) + 0.5)
        assert found == pytest.approx(middle, abs=0.8)
