"""ONNX graphs of several inputs: the picture is explained, the others are held."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="needs onnxruntime")
pytest.importorskip("torch", reason="needs PyTorch, which says what is right")

import onnx
from onnx import TensorProto, helper, numpy_helper

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.networks.onnx.session import Session
from xai_heatmap.testing.conformance import held as held_checks
from xai_heatmap.testing.conformance.held import case, close, pictures, random
from xai_heatmap.testing.networks.held import (
    CLASSES,
    MAPS,
    META,
    SHAPE,
    Early,
    Late,
    Net,
    Numbers,
    Pair,
)

OPSET = 18

Node = tuple[str, Sequence[str], str]


class OnnxKit:
    channels_last = False

    def made(self, net: Net, *, images: int | str = "n") -> onnx.ModelProto:
        nodes = {Late: late, Early: early, Pair: pair}[type(net)]()
        return graph(nodes, net.numbers(), {net.other: (images, *net.beside)}, images)

    @contextmanager
    def runs(self, model: onnx.ModelProto) -> Iterator[Any]:
        calls: list[int] = []
        run = Session.__call__
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Session, "__call__", lambda *a: (calls.append(1), run(*a))[1])
            yield lambda: len(calls)


def graph(
    nodes: Sequence[Any],
    numbers: Numbers,
    others: dict[str, Sequence[int | str]],
    images: int | str,
    kinds: dict[str, int] | None = None,
) -> onnx.ModelProto:
    """A graph out of (operator, inputs, output, attributes); each node is called as its output."""
    float_ = TensorProto.FLOAT
    made = [helper.make_node(op, read, [out], name=out, **how) for op, read, out, how in nodes]
    inputs = [helper.make_tensor_value_info("image", float_, [images, *SHAPE])]
    inputs += [
        helper.make_tensor_value_info(name, (kinds or {}).get(name, float_), shape)
        for name, shape in others.items()
    ]
    stored = [numpy_helper.from_array(value, name) for name, value in numbers.items()]
    stored.append(numpy_helper.from_array(np.array([2, 3]), "grid"))
    output = helper.make_tensor_value_info("logits", float_, [images, CLASSES])
    whole = helper.make_graph(made, "small", inputs, [output], stored)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def conv(x: str, out: str, name: str | None = None) -> Any:
    name = name or out
    return "Conv", [x, f"{name}.weight", f"{name}.bias"], out, {}


def dense(x: str, out: str, name: str | None = None) -> Any:
    name = name or out
    return "Gemm", [x, f"{name}.weight", f"{name}.bias"], out, {"transB": 1}


def then(operator: str, *read: str, out: str, **how: Any) -> Any:
    return operator, list(read), out, how


def late() -> list[Any]:
    return [
        dense("metadata", "read"),
        then("Tanh", "read", out="known"),
        conv("image", "conv"),
        then("Relu", "conv", out="relu"),
        then("GlobalAveragePool", "relu", out="mean"),
        then("Flatten", "mean", out="flat"),
        then("Concat", "flat", "known", out="joined", axis=1),
        dense("joined", "mix"),
        then("Tanh", "mix", out="mixed"),
        dense("mixed", "logits", "fc"),
    ]


def early() -> list[Any]:
    return [
        conv("image", "conv"),
        dense("metadata", "gain"),
        dense("metadata", "shift"),
        then("Unsqueeze", "gain", "grid", out="gains"),
        then("Unsqueeze", "shift", "grid", out="shifts"),
        then("Mul", "conv", "gains", out="scaled"),
        then("Add", "scaled", "shifts", out="moved"),
        then("Tanh", "moved", out="bent"),
        conv("bent", "conv2"),
        then("Relu", "conv2", out="relu"),
        then("GlobalAveragePool", "relu", out="mean"),
        then("Flatten", "mean", out="flat"),
        dense("flat", "logits", "fc"),
    ]


def pair() -> list[Any]:
    return [
        conv("image", "conv"),
        conv("second", "conv_second", "conv"),
        then("Tanh", "conv", out="one"),
        then("Tanh", "conv_second", out="two"),
        then("Mul", "one", "two", out="both"),
        then("GlobalAveragePool", "both", out="mean"),
        then("Flatten", "mean", out="flat"),
        dense("flat", "logits", "fc"),
    ]


@pytest.mark.parametrize("check", held_checks.CHECKS, ids=lambda check: check.__name__)
def test_holds(check):
    check(OnnxKit())


@pytest.mark.slow
@pytest.mark.parametrize("images", [1, 2, 3])
@pytest.mark.parametrize("kind", held_checks.NETS, ids=lambda kind: kind.__name__)
def test_a_fixed_number_of_images_is_run_in_portions(kind, images):
    own, x = case(OnnxKit(), kind), pictures(4)
    fixed = OnnxKit().made(own.net, images=images)
    for held in (own.held(), own.held(4)):
        free = own.opened(held)
        portioned = xh.network(fixed, picture="image", held=own.holding(held))
        for method in ("gradcam", "ablationcam", "smooth:layercam"):
            wanted = own.maps(free, x, method=method, layer="conv")
            close(own.maps(portioned, x, method=method, layer="conv"), wanted)


def test_a_shape_is_checked_before_the_first_run():
    own = case(OnnxKit(), Late)
    with OnnxKit().runs(own.model) as runs:
        with pytest.raises(BadArray, match=r"'metadata' \(any, 4\).*\(1, 5\)"):
            own.opened(random(1, 5, seed=0))
        assert runs() == 0


def test_a_single_number_counts_no_pictures():
    net = case(OnnxKit(), Late).net
    numbers = {k: v for k, v in net.numbers().items() if k.startswith("conv")}
    numbers |= {"fc.weight": random(CLASSES, MAPS, seed=1), "fc.bias": random(CLASSES, seed=2)}
    nodes = [
        conv("image", "conv"),
        then("Sub", "conv", "threshold", out="above"),
        then("Relu", "above", out="relu"),
        then("GlobalAveragePool", "relu", out="mean"),
        then("Flatten", "mean", out="flat"),
        dense("flat", "logits", "fc"),
    ]
    model, x = graph(nodes, numbers, {"threshold": ()}, "n"), pictures(2)
    network = xh.network(model, held={"threshold": 0.25})
    both = xh.maps(network, x, method="ablationcam", layer="conv", target=1)
    each = [
        xh.maps(network, x[i : i + 1], method="ablationcam", layer="conv", target=1)[0]
        for i in range(2)
    ]
    close(both, np.stack(each))
    other = xh.maps(network, x, method="ablationcam", layer="conv", target=1,
                    held={"threshold": -1.0})  # fmt: skip
    assert np.abs(both - other).max() > 0


@pytest.mark.parametrize("images", ["n", 1])
def test_captions_count_classes(images):
    numbers = {"conv.weight": random(META, 3, 3, 3, seed=1), "conv.bias": random(META, seed=2)}
    nodes = [
        conv("image", "conv"),
        then("Relu", "conv", out="relu"),
        then("GlobalAveragePool", "relu", out="mean"),
        then("Flatten", "mean", out="flat"),
        then("Gemm", "flat", "captions", out="logits", transB=1),
    ]
    model = graph(nodes, numbers, {"captions": (CLASSES, META)}, images)
    captions, x = random(CLASSES, META, seed=3), pictures(2)
    network = xh.network(model, held={"captions": captions})
    recording = network.record(x, ["conv"])
    flat = np.maximum(recording.activations["conv"], 0).mean((2, 3))
    np.testing.assert_allclose(recording.scores, flat @ captions.T, atol=1e-5)
    open_ = graph(nodes, numbers, {"captions": ("classes", META)}, images)
    marked = xh.network(open_, held={"captions": xh.whole(captions)})
    for method in ("gradcam", "ablationcam"):
        wanted = held_checks.maps(network, x, method=method, layer="conv")
        close(held_checks.maps(marked, x, method=method, layer="conv"), wanted)


def test_whole_numbers_choose_a_row():
    net = case(OnnxKit(), Late).net
    numbers = {k: v for k, v in net.numbers().items() if k.startswith("conv")}
    numbers |= {"fc.weight": random(CLASSES, MAPS, seed=1), "fc.bias": random(CLASSES, seed=2)}
    numbers["table"] = random(5, MAPS, seed=4)
    nodes = [
        then("Gather", "table", "camera", out="row"),
        conv("image", "conv"),
        then("Relu", "conv", out="relu"),
        then("GlobalAveragePool", "relu", out="mean"),
        then("Flatten", "mean", out="flat"),
        then("Mul", "flat", "row", out="both"),
        dense("both", "logits", "fc"),
    ]
    kinds = {"camera": TensorProto.INT64}
    model, x = graph(nodes, numbers, {"camera": ("n",)}, "n", kinds), pictures(2)
    network = xh.network(model, held={"camera": 3})
    one, other = (
        held_checks.maps(network, x, layer="conv", held={"camera": camera}) for camera in (3, 1)
    )
    assert np.abs(one - other).max() > 0
    rows = held_checks.maps(network, x, layer="conv", held={"camera": np.array([3, 1])})
    close(rows, np.stack([one[0], other[1]]))


def test_an_input_that_the_output_does_not_read_need_not_be_held():
    own = case(OnnxKit(), Late)
    model = onnx.ModelProto()
    model.CopyFrom(own.model)
    model.graph.input.append(helper.make_tensor_value_info("unread", TensorProto.FLOAT, [1]))
    held, x = own.holding(own.held()), pictures(1)
    free = xh.network(model, held=held)
    both = xh.network(model, held={**held, "unread": np.zeros(1)})
    wanted = own.maps(own.opened(own.held()), x, layer="conv")
    for network in (free, both):
        close(own.maps(network, x, layer="conv"), wanted)
    with pytest.raises(BadOption, match="Did you mean 'metadata'"):
        xh.maps(free, x, held={"metadat": own.held()})


def test_other_values_compile_nothing():
    own, x = case(OnnxKit(), Early), pictures(1)
    network = own.opened(own.held())
    own.maps(network, x, method="ablationcam", layer="conv")
    made: list[int] = []
    init = Session.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "__init__", lambda *a: (made.append(1), init(*a))[1])
        other = own.holding(own.held(seed=9))
        own.maps(network, x, method="ablationcam", layer="conv", held=other)
    assert made == []


def test_rows_of_another_length_are_another_graph():
    """What is held for one call may be longer than what was held for the one before."""
    numbers = {"conv.weight": random(MAPS, 3, 3, 3, seed=1), "conv.bias": random(MAPS, seed=2)}
    numbers |= {"fc.weight": random(CLASSES, MAPS, seed=3), "fc.bias": random(CLASSES, seed=4)}
    numbers["along"] = np.array([1])
    nodes = [
        then("ReduceMean", "extra", "along", out="row"),
        conv("image", "conv"),
        then("Relu", "conv", out="relu"),
        then("GlobalAveragePool", "relu", out="mean"),
        then("Flatten", "mean", out="flat"),
        then("Mul", "flat", "row", out="both"),
        dense("both", "logits", "fc"),
    ]
    model, x = graph(nodes, numbers, {"extra": ("n", "length")}, "n"), pictures(2)
    short, long = np.full((1, 2), 1, np.float32), np.full((1, 7), 3, np.float32)
    network = xh.network(model, held={"extra": short})
    one = held_checks.maps(network, x, layer="conv")
    close(held_checks.maps(network, x, layer="conv", held={"extra": long}), 3 * one)
    assert np.abs(one).max() > 0
