"""The kit of ONNX: its small graphs with both of their sides in plain numpy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from xai_heatmap.testing.conformance.kit import CLASSES, Case, images
from xai_heatmap.testing.kits.onnx_graph import Array, Graph, conv, float32, linear, pooled, relu


class OnnxKit:
    """One small graph for each trap; what a graph can't do is left out by name."""

    def _plain(self, finish: Callable[[Graph, str], dict[str, str]], **how: Any) -> Case:
        graph = Graph(**how)
        logits = graph.classified(graph("Relu", graph.conv("image", "conv", 5), name="relu"))
        model = graph.model(**finish(graph, logits))
        return Case(model, "conv", float32(graph.first), float32(graph.head))

    def plain(self) -> Case:
        return self._plain(lambda _, logits: {"logits": logits})

    def residual(self) -> Case:
        graph = Graph()
        skip = graph.conv("image", "stem", 5)
        branch = graph.conv(skip, "branch", 5, 5, pads=[1, 1, 1, 1])
        act = graph("Tanh", graph("Add", branch, skip, name="sum"), name="act")
        model = graph.model(logits=graph.classified(act))
        w = graph.stored

        def trunk(x: Array) -> Array:
            stem = conv(x, w["stem.weight"], w["stem.bias"])
            return conv(stem, w["branch.weight"], w["branch.bias"], pad=1)

        return Case(model, "branch", float32(trunk))

    def nested(self) -> Case:
        graph = Graph()
        graph.conv("image", "conv", 5)
        graph.nodes[-1].name = "block/conv"
        logits = graph.classified(graph("Relu", graph.nodes[-1].output[0], name="block/relu"))
        model = graph.model(logits=logits)
        return Case(model, "block/conv", float32(graph.first), float32(graph.head))

    def last(self) -> Case:
        graph = Graph()
        a = graph.conv("image", "conv", CLASSES)
        model = graph.model(logits=graph("Flatten", graph("GlobalAveragePool", a)))
        return Case(model, "conv", float32(graph.first), float32(pooled))

    def twice(self) -> tuple[Case, Case]:
        """Two nodes of one weight; a runtime takes no two nodes of one name."""
        graph = Graph()
        stem = graph.conv("image", "stem", 5)
        one = graph.conv(stem, "same", 5, 5, pads=[1, 1, 1, 1])
        graph.nodes[-1].name = "same#1"
        weights = ("same.weight", "same.bias")
        two = graph("Conv", graph("Relu", one), *weights, name="same#2", pads=[1, 1, 1, 1])
        model = graph.model(logits=graph.classified(graph("Tanh", two)))
        w = graph.stored

        def same(x: Array) -> Array:
            return conv(x, w["same.weight"], w["same.bias"], pad=1)

        def before(x: Array) -> Array:
            return same(conv(x, w["stem.weight"], w["stem.bias"]))

        def behind(a: Array) -> Array:
            return linear(pooled(np.tanh(a)), w["fc.weight"], w["fc.bias"])

        first = Case(model, "same#1", float32(before), float32(lambda a: behind(same(relu(a)))))
        second = Case(
            model, "same#2", float32(lambda x: same(relu(before(x)))), float32(behind)
        )  # fmt: skip
        return first, second

    def never(self) -> tuple[Any, str]:
        graph = Graph()
        a = graph.conv("image", "conv", 5)
        graph.conv(a, "unused", 5, 5, 1)
        return graph.model(logits=graph.classified(graph("Relu", a))), "unused"

    def tuple_layer(self) -> Case:
        graph = Graph()
        both = graph.conv("image", "conv", 7)
        pair = graph(
            "Split", both, graph.stores("sizes", np.array([5, 2])), name="pair", outputs=2, axis=1
        )  # fmt: skip
        model = graph.model(logits=graph.classified(graph("Relu", pair[0])))
        return Case(model, "pair", float32(lambda x: graph.first(x)[:, :5]), float32(graph.head))

    def tuple_output(self) -> Case:
        def finish(graph: Graph, logits: str) -> dict[str, str]:
            few = graph.stores("few", np.array([[0, 1, 2], [2, 1, 0]]))
            return {"aside": graph("Gather", logits, few, axis=1), "any": logits}

        return self._plain(finish)

    def dict_output(self) -> Case:
        def finish(graph: Graph, logits: str) -> dict[str, str]:
            seven = graph.stores("seven", np.zeros(7, int))
            return {"hidden": graph("Gather", logits, seven, axis=1), "logits": logits}

        return self._plain(finish)

    def softmax(self) -> Case:
        return self._plain(lambda graph, logits: {"p": graph("Softmax", logits, axis=1)})

    def functional_softmax(self) -> Case:
        """Written out, as older converters do."""

        def finish(graph: Graph, logits: str) -> dict[str, str]:
            axis = graph.stores("axis", np.array([1]))
            raised = graph("Exp", graph("Sub", logits, graph("ReduceMax", logits, axis)))
            return {"p": graph("Div", raised, graph("ReduceSum", raised, axis))}

        return self._plain(finish)

    def _unit(self, classes: int) -> Case:
        graph = Graph()
        a = graph("Relu", graph.conv("image", "conv", 5))
        model = graph.model(p=graph("Sigmoid", graph.classified(a, classes)))
        return Case(model, "conv", float32(graph.first), float32(graph.head))

    def sigmoid_unit(self) -> Case:
        return self._unit(1)

    def sigmoid_labels(self) -> Case:
        return self._unit(CLASSES)

    def dropout(self) -> Case:
        """Exported while training: the nodes say so."""
        graph = Graph()
        a = graph.conv("image", "conv", 5)
        stored = [graph.stores(f"norm{i}", graph.random.uniform(0.5, 2, 5).astype(np.float32))
                  for i in range(4)]  # fmt: skip
        normed = graph("BatchNormalization", a, *stored, outputs=3, training_mode=1)[0]
        mean = graph("Flatten", graph("GlobalAveragePool", graph("Relu", normed)))
        half, yes = graph.stores("half", np.float32(0.5)), graph.stores("yes", np.array(True))
        model = graph.model(logits=graph.linear(graph("Dropout", mean, half, yes), "fc", 4, 5))

        def head(a: Array) -> Array:
            scale, shift, middle, spread = (
                graph.stored[f"norm{i}"][:, None, None] for i in range(4)
            )
            return graph.head((a - middle) / np.sqrt(spread + 1e-5) * scale + shift)

        return Case(model, "conv", float32(graph.first), float32(head))

    def frozen(self) -> Case:
        return self.plain()

    def half(self) -> Case:
        return self._plain(lambda _, logits: {"logits": logits}, dtype=np.float16)

    def tokens(self) -> Case:
        """A class token for as many images as come in, before 6 x 6 patches."""
        graph = Graph()
        places = graph.conv("image", "embed", 5)
        flat = graph("Reshape", places, graph.stores("flat", np.array([0, 5, -1])))
        patches = graph("Transpose", flat, perm=[0, 2, 1])
        n = graph("Slice", graph("Shape", "image"), graph.stores("0", np.array([0])),
                  graph.stores("1", np.array([1])))  # fmt: skip
        shape = graph("Concat", n, graph.stores("1x5", np.array([1, 5])), axis=0)
        token = graph("Expand", graph.weight("cls", 1, 1, 5), shape)
        both = graph("Concat", token, patches, axis=1)
        product = graph("MatMul", both, graph.weight("block.weight", 5, 5))
        block = graph("Add", product, graph.weight("block.bias", 5), name="block")
        turned = graph("Transpose", block, perm=[0, 2, 1])
        mixed = graph("Tanh", graph("MatMul", turned, graph.weight("mix", 37, 37)))
        read = graph("Gather", mixed, graph.stores("first", np.array(0)), axis=2)
        model = graph.model(logits=graph.linear(read, "fc", CLASSES, 5))
        w = graph.stored

        def blocked(tokens: Array) -> Array:
            return tokens @ w["block.weight"] + w["block.bias"]

        def trunk(x: Array) -> Array:
            patches = conv(x, w["embed.weight"], w["embed.bias"]).reshape(len(x), 5, 36)
            return blocked(patches.transpose(0, 2, 1)).transpose(0, 2, 1).reshape(-1, 5, 6, 6)

        def head(a: Array) -> Array:
            prefix = np.repeat(blocked(w["cls"]), len(a), axis=0)
            tokens = np.concatenate([prefix, a.reshape(len(a), 5, 36).transpose(0, 2, 1)], 1)
            mixed = np.tanh(tokens.transpose(0, 2, 1) @ w["mix"])
            return linear(mixed[..., 0], w["fc.weight"], w["fc.bias"])

        return Case(model, "block", float32(trunk), float32(head))

    def folding(self) -> Case:
        """Halves of the picture along the image axis, joined with the layer along that axis."""
        graph = Graph()
        cut = graph("Split", "image", graph.stores("4 4", np.array([4, 4])), outputs=2, axis=2)
        folded = graph.conv(graph("Concat", *cut, axis=0), "halves", 5)
        side = graph("GlobalAveragePool", graph("Relu", folded))
        main = graph("GlobalAveragePool", graph("Relu", graph.conv("image", "conv", 5)))
        three = graph("Concat", main, side, axis=0)
        apart = graph("Reshape", three, graph.stores("3 n 5", np.array([3, -1, 5])))
        total = graph("ReduceSum", apart, graph.stores("axes", np.array([0])), keepdims=0)
        model = graph.model(logits=graph.linear(total, "fc", CLASSES, 5))
        w = graph.stored

        def head(a: Array) -> Array:
            x = images()[1:2]  # `head` is asked about row 1
            halves = np.concatenate([x[:, :, :4], x[:, :, 4:]])
            aside = pooled(relu(conv(halves, w["halves.weight"], w["halves.bias"]))).sum(0)
            return linear(pooled(relu(a)) + aside, w["fc.weight"], w["fc.bias"])

        return Case(model, "conv", float32(graph.first), float32(head))

    def failing(self) -> tuple[Any, str, Callable[[], None]]:
        pytest.skip("a graph holds no code that could raise an error of its own")

    def gridless(self) -> Any:
        graph = Graph()
        return graph.model(logits=graph.linear(graph("Flatten", "image"), "fc", CLASSES, 192))

    def _between(self, between: Callable[[Graph, str], str]) -> Any:
        graph = Graph()
        inner = between(graph, graph.conv("image", "conv", 5))
        return graph.model(logits=graph.classified(graph.conv(inner, "last", 5, 5)))

    def drawing(self) -> Any:
        return self._between(
            lambda graph, a: graph("Mul", a, graph("RandomUniformLike", a, name="random"))
        )

    def mixing(self) -> Any:
        def between(graph: Graph, a: str) -> str:
            return graph("Sub", a, graph("ReduceMean", a, graph.stores("axis", np.array([0]))))

        return self._between(between)

    def shrinking(self) -> Any:
        graph = Graph()
        first = graph("Relu", graph.conv("image", "conv", 5), name="relu")
        pool = graph("MaxPool", first, name="pool", kernel_shape=[2, 2], strides=[2, 2])
        model = graph.model(logits=graph.classified(graph.conv(pool, "last", 5, 5)))
        for side in model.graph.input[0].type.tensor_type.shape.dim[2:]:
            side.dim_param = "any"
        return model

    def flattening(self) -> Any:
        graph = Graph()
        flat = graph("Flatten", graph.conv("image", "conv", 5))
        return graph.model(logits=graph.linear(flat, "fc", CLASSES, 180))

    def snapshot(self, model: onnx.ModelProto) -> object:
        return model.SerializeToString(deterministic=True)

    @contextmanager
    def passes(self, model: onnx.ModelProto) -> Iterator[Callable[[], int]]:
        """Runs that are handed the picture."""
        count = 0
        own = onnxruntime.InferenceSession.run_with_ort_values

        def counted(session: Any, outputs: Any, feeds: Any, *rest: Any) -> Any:
            nonlocal count
            count += "image" in feeds
            return own(session, outputs, feeds, *rest)

        onnxruntime.InferenceSession.run_with_ort_values = counted
        try:
            yield lambda: count
        finally:
            onnxruntime.InferenceSession.run_with_ort_values = own

    def nudge(self, model: onnx.ModelProto, *, to: float | None = None) -> None:
        pytest.skip("a model is copied when it is opened: what is changed later is not seen")
