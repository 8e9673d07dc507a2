"""Small ONNX networks for audits, sound and with planted faults, and pictures for them."""

import numpy as np
import onnx
import onnxruntime
import PIL.Image
from onnx import TensorProto, helper, numpy_helper

SIDE, CLASSES = 32, 6


def pictures(folder, number=12):
    """Pictures of one bright blob each, of another colour and at another place."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(5)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for name in range(number):
        top, left = dice.uniform(6, 26, size=2)
        blob = np.exp(-((rows - top) ** 2 + (columns - left) ** 2) / 18)
        colour = np.eye(3)[name % 3] * 150 + 60 * dice.random(3)
        image = dice.normal(40, 6, size=(SIDE, SIDE, 3)) + blob[..., None] * colour
        PIL.Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(
            folder / f"{name:03d}.png"
        )
    return folder


def _features(weights, conv1, act1):
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], "conv1", **conv1),
        helper.make_node(act1, ["c1"], ["a1"], "act1"),
        helper.make_node("Conv", ["a1", "w2", "b2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["a2"], "act2"),
        helper.make_node("GlobalAveragePool", ["a2"], ["m"], "pool"),
        helper.make_node("Flatten", ["m"], ["f"], "flat"),
    ]
    kept = [numpy_helper.from_array(own, name) for name, own in weights.items()]
    return nodes, kept


def _model(nodes, kept, out, width, name):
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(out, TensorProto.FLOAT, ["n", width])],
        kept,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _ground(nodes, kept):
    """Features of the grey that the pictures' ground is, scaled as ``tf`` does."""
    grey = np.full((1, 3, SIDE, SIDE), 40 / 127.5 - 1, np.float32)
    model = _model(nodes, kept, "f", 12, "ground")
    return onnxruntime.InferenceSession(model.SerializeToString()).run(["f"], {"x": grey})[0][0]


def network(fault="", seed=0):
    """Two convolutions, a mean and a linear layer; of a fault what it names."""
    dice = np.random.default_rng(seed)
    first = dice.normal(0, 0.4, size=(8, 3, 5, 5)).astype(np.float32)
    first -= first.mean(axis=(1, 2, 3), keepdims=True) * 0.5
    second = dice.normal(0, 0.25, size=(12, 8, 3, 3)).astype(np.float32)
    bias = np.full(12, 0.1, np.float32)
    last = dice.normal(0, 2.0, size=(12, CLASSES)).astype(np.float32)
    conv1 = {"kernel_shape": [5, 5], "strides": [2, 2], "pads": [2, 2, 2, 2]}
    act1, ends = "Relu", []
    if fault == "dead":
        bias[:9] = -1000
    if fault == "saturated":
        act1, first = "Sigmoid", first * 1000
    if fault == "shifted":
        first[...] = 0
        first[np.arange(8), np.arange(8) % 3, 0, 0] = 2.0
        first[4:] *= -1
        conv1 |= {"dilations": [3, 3], "pads": [12, 12, 0, 0]}
    if fault in ("softmax", "twice"):
        ends = ["Softmax"] * (2 if fault == "twice" else 1)
    if fault == "chance":
        ends = ["Noise"]
    nodes, kept = _features({"w1": first, "w2": second, "b2": bias}, conv1, act1)
    ground = _ground(nodes, kept) @ last
    kept += [numpy_helper.from_array(own, name) for name, own in (("w3", last), ("b3", -ground))]
    nodes.append(helper.make_node("Gemm", ["f", "w3", "b3"], ["z"], "fc"))
    out = "z"
    for number, kind in enumerate(ends):
        if kind == "Noise":
            nodes.append(helper.make_node("RandomNormalLike", [out], ["noise"], "noise"))
            nodes.append(helper.make_node("Add", [out, "noise"], ["noisy"], "add"))
            out = "noisy"
        else:
            nodes.append(helper.make_node(kind, [out], [f"p{number}"], f"end{number}", axis=1))
            out = f"p{number}"
    if fault == "nan":
        nodes.append(helper.make_node("Sqrt", ["z"], ["q"], "sqrt"))
        nodes.append(helper.make_node("Sub", ["q", "q"], ["zero"], "sub"))
        nodes.append(helper.make_node("Div", ["zero", "zero"], ["bad"], "div"))
        out = "bad"
    return _model(nodes, kept, out, CLASSES, f"small {fault}".strip())


def saved(path, fault=""):
    """The network as a file."""
    onnx.save(network(fault), path)
    return path
