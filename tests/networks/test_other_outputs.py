"""Models with several outputs that could be scores: the one that is explained is told."""

import numpy as np
import pytest

import xai_heatmap as xh

SHAPE = (3, 16, 16)


def notes(network, **asked):
    x = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    x = np.moveaxis(x, 0, -1).copy() if network.channels_last else x
    made = xh.explain(network, x, preprocess="ready", target=0, method="saliency", **asked)
    return [note for note in made.notes if "could be scores" in note]


def of_torch(answer):
    torch = pytest.importorskip("torch")

    class Heads(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3)
            self.age, self.kind = torch.nn.Linear(4, 2), torch.nn.Linear(4, 5)

        def forward(self, x):
            seen = self.conv(x).relu().mean((2, 3))
            return answer(self.age(seen), self.kind(seen))

    return Heads().eval()


@pytest.mark.parametrize(
    ("answer", "first", "second"),
    [
        (lambda a, b: (a, b), "0 (2 numbers)", "output=1"),
        (lambda a, b: [a[:, 0], b[:, 0]], "0 (1 number)", "output=1"),
        (lambda a, b: {"age": a, "kind": b}, "'age' (2 numbers)", "output='kind'"),
    ],
)
def test_the_output_that_is_explained_is_told(answer, first, second):
    (told,) = notes(xh.network(of_torch(answer), image_shape=SHAPE))
    assert first in told
    assert told.endswith(f"say {second} for another.")


@pytest.mark.parametrize(
    "answer",
    [
        lambda a, _: a,
        lambda a, _: (a,),
        lambda a, _: (a, a[:, :, None]),
        lambda a, b: {"logits": a, "embedding": b},
    ],
)
def test_nothing_is_told_where_one_output_alone_could_be_meant(answer):
    assert not notes(xh.network(of_torch(answer), image_shape=SHAPE))


def test_nothing_is_told_where_the_output_was_said():
    model = of_torch(lambda a, b: (a, b))
    assert notes(xh.network(model, image_shape=SHAPE))
    assert not notes(xh.network(model, image_shape=SHAPE, output=1))


def test_outputs_of_keras_are_told():
    keras = pytest.importorskip("keras")
    seen = keras.Input((16, 16, 3))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(seen))
    outputs = [keras.layers.Dense(number)(mean) for number in (2, 5)]
    (told,) = notes(xh.network(keras.Model(seen, outputs)))
    assert "0 (2 numbers), 1 (5 numbers)" in told


def test_outputs_of_an_onnx_file_are_told():
    onnx = pytest.importorskip("onnx")
    draw, make = np.random.default_rng(0), onnx.helper
    stored = {"w": (4, 3, 3, 3), "v": (4, 2), "u": (4, 5)}
    ends = [("x", ["n", *SHAPE]), ("age", ["n", 2]), ("kind", ["n", 5])]
    x, *outputs = [make.make_tensor_value_info(name, 1, shape) for name, shape in ends]
    nodes = [
        make.make_node("Conv", ["x", "w"], ["c"]), make.make_node("Relu", ["c"], ["r"]),
        make.make_node("GlobalAveragePool", ["r"], ["p"]), make.make_node("Flatten", ["p"], ["f"]),
        make.make_node("MatMul", ["f", "v"], ["age"]),
        make.make_node("MatMul", ["f", "u"], ["kind"]),
    ]  # fmt: skip
    numbers = [
        onnx.numpy_helper.from_array(draw.normal(size=shape).astype("f"), name)
        for name, shape in stored.items()
    ]
    graph = make.make_graph(nodes, "g", [x], outputs, numbers)
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    (told,) = notes(xh.network(model))
    assert "'age' (2 numbers), 'kind' (5 numbers)" in told
    assert not notes(xh.network(model, output="kind"))
