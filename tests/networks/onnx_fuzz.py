"""Opens mutated model files; run in a process of its own, so that a crash is seen as such.

``python onnx_fuzz.py SEED COUNT FOLDER`` prints one line for every outcome that is neither
an answer nor an error of the project, and at last how many of each there were.
"""

import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from onnx import AttributeProto, ModelProto
from onnx.helper import make_node
from test_onnx_files import model_of

import xai_heatmap as xh
from xai_heatmap.testing.kits.onnx_kit import OnnxKit

SEEDS = ("plain", "residual", "tokens", "dropout", "tuple_output", "softmax", "half", "folding")
LENGTHS = (-1, 0, 1, 2, 7, 2**31, 2**62, -(2**62))


def mutated_bytes(raw: bytes, random: np.random.Generator) -> bytes:
    """A few bytes changed, dropped or doubled."""
    data = bytearray(raw)
    for _ in range(random.integers(1, 6)):
        place, how = int(random.integers(len(data))), random.integers(4)
        if how == 0:
            data[place] = random.integers(256)
        elif how == 1:
            data[place] ^= 1 << int(random.integers(8))
        elif how == 2:
            del data[place : place + int(random.integers(1, 20))]
        else:
            data[place:place] = data[place : place + int(random.integers(1, 20))]
    return bytes(data)


def mutated_graph(raw: bytes, random: np.random.Generator) -> bytes:  # noqa: C901 - a list of lies
    """A name, an operator, an attribute, a length or a node changed: what parses, and lies."""
    model = ModelProto()
    model.ParseFromString(raw)
    graph = model.graph
    nodes, tensors = graph.node, graph.initializer
    for _ in range(random.integers(1, 4)):
        node = nodes[random.integers(len(nodes))]
        how = random.integers(9)
        if how == 0 and node.input:
            other = nodes[random.integers(len(nodes))]
            names = [*other.input, *other.output, "", "nowhere"]
            node.input[random.integers(len(node.input))] = names[random.integers(len(names))]
        elif how == 1:
            node.op_type = str(random.choice(sorted({n.op_type for n in nodes} | {"Loop", "Pad"})))
        elif how == 2 and node.attribute:
            _change(node.attribute[random.integers(len(node.attribute))], random)
        elif how == 3 and tensors:
            tensor = tensors[random.integers(len(tensors))]
            if tensor.dims:
                tensor.dims[random.integers(len(tensor.dims))] = int(random.choice(LENGTHS))
        elif how == 4 and tensors:
            tensors[random.integers(len(tensors))].data_type = int(random.integers(0, 25))
        elif how == 5:
            dims = graph.input[0].type.tensor_type.shape.dim
            dims[random.integers(len(dims))].dim_value = int(random.choice(LENGTHS))
        elif how == 6 and len(nodes) > 1:
            del nodes[random.integers(len(nodes))]
        elif how == 7 and tensors:
            tensor = tensors[random.integers(len(tensors))]
            content = bytearray(tensor.raw_data)
            random.shuffle(content)
            tensor.raw_data = bytes(content)
        else:
            model.opset_import[0].version = int(random.integers(-1, 30))
    return model.SerializeToString()


def _change(attribute: AttributeProto, random: np.random.Generator) -> None:
    if attribute.ints:
        attribute.ints[random.integers(len(attribute.ints))] = int(random.choice(LENGTHS))
    elif attribute.type == AttributeProto.INT:
        attribute.i = int(random.choice(LENGTHS))
    else:
        attribute.type = int(random.integers(0, 15))


def outcome(path: Path) -> str:
    """``answer``, ``refused``, or what went wrong."""
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
    try:
        opened = xh.network(path, image_shape=(3, 8, 8))
        survey = opened.survey((3, 8, 8))
        recording = opened.record(x, [survey.auto] if survey.auto else [])
        if survey.auto:
            recording.pullback(np.ones_like(recording.scores))
            recording.replay(survey.auto, recording.activations[survey.auto][:1], row=0)
    except xh.XaiHeatmapError:
        return "refused"
    except Exception as error:  # noqa: BLE001 - what else there is, is what is looked for
        return f"{type(error).__name__}: {error}"
    return "answer"


def rewritten_models() -> Iterator[ModelProto]:
    """Files of which other graphs are made before they are explained."""
    s, t, zero = np.float32(0.02), np.float32(0.004), np.uint8(0)
    q, read = ["q", "s", "zero"], ["g", "t", "zero"]
    codes = [
        make_node("QuantizeLinear", ["r", "s", "zero"], ["q"]),
        make_node("QLinearSigmoid", [*q, *read[1:]], ["g"], domain="com.microsoft"),
        make_node("DequantizeLinear", read, ["z"]),
    ]
    yield model_of(codes, s=s, t=t, zero=zero)
    dynamic = [
        make_node("DynamicQuantizeLinear", ["r"], ["q", "s", "zero"]),
        make_node("ConvInteger", ["q", "k", "zero"], ["i"], pads=[1, 1, 1, 1]),
        make_node("Cast", ["i"], ["z"], to=1),
    ]
    yield model_of(dynamic, k=np.ones((4, 4, 3, 3), np.int8))
    small = np.float32([1, 1, 0.7, 1.5])
    resized = [make_node("Resize", ["r", "sizes"], ["z"], mode="nearest")]
    yield model_of(resized, opset=10, sizes=small)
    pooled = [make_node("MaxPool", ["r"], ["z"], kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1)]
    yield model_of(pooled)
    weights = {"w3": np.ones((2, 12, 6), "f"), "r3": np.ones((2, 12, 3), "f")}
    steps = [
        make_node("Reshape", ["r", "to"], ["seq"]),
        make_node("LSTM", ["seq", *weights], ["l"], hidden_size=3, direction="bidirectional"),
        make_node("Reshape", ["l", "back"], ["z"]),
    ]
    to, back = np.array([6, -1, 6]), np.array([-1, 4, 6, 6])
    yield model_of(steps, to=to, back=back, **weights)
    yield model_of([make_node("MeanVarianceNormalization", ["r"], ["z"])], opset=13)


def mutations(seed: int) -> Iterator[bytes]:
    kit, random = OnnxKit(), np.random.default_rng(seed)
    found = [getattr(kit, name)() for name in SEEDS]
    raw = [case.model.SerializeToString() for case in found]
    raw += [model.SerializeToString() for model in rewritten_models()]
    while True:
        mutate = mutated_graph if random.random() < 0.7 else mutated_bytes
        yield mutate(raw[random.integers(len(raw))], random)


def main(seed: int, count: int, folder: Path) -> None:
    warnings.simplefilter("ignore")
    counted: Counter[str] = Counter()
    for number, data in zip(range(count), mutations(seed), strict=False):
        path = folder / "mutated.onnx"
        path.write_bytes(data)  # stays behind where the interpreter dies
        found = outcome(path)
        counted[found if found in ("answer", "refused") else "wrong"] += 1
        if found not in ("answer", "refused"):
            path.rename(folder / f"wrong-{number}.onnx")
            sys.stdout.write(f"{number}: {found[:300]}\n")
    words = (f"{name}={counted[name]}" for name in ("answer", "refused", "wrong"))
    sys.stdout.write(" ".join(words) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
