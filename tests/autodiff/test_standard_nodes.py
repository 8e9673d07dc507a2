"""Every operator that is claimed, in every version since opset 7, alone: its values stay what the
runtime answers, and its derivative is that of those values.
"""

import re
from collections.abc import Callable, Iterator

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import defs
from onnx.reference import ReferenceEvaluator
from standard_nodes import SCHEMAS, Way, claimed, model, opsets, ways

from xai_heatmap.core.errors import ModelError, NoRule
from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.autodiff import registry
from xai_heatmap.networks.onnx.autodiff.registry import CONSTANT, NEWEST
from xai_heatmap.networks.onnx.settled import settle

RANDOM = {
    *("Bernoulli", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"),
}
QUANTISING = {"QuantizeLinear", "Cast", "CastLike"}
"""Steps: the derivative is that of what they round, which is tested elsewhere."""

REFUSED = {
    "AffineGrid": r"\(If\)",
    "GridSample": "sampling '(bi)?cubic' is not covered|padding 'reflection' is not covered",
    "GroupNormalization": "deprecated",
    "LinearAttention": "shape inference did not find it|there is no rule",
    "Range": "there is no rule",
    "RoiAlign": "the maximum of its samples is not covered|goes by the region is not covered",
    "Resize": "keeps the aspect ratio|the size of axis 0 must be known",
    **dict.fromkeys(
        ("ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceProd", "ReduceSumSquare"),
        "what it computes without axes differs between runtimes",
    ),
}
"""What may be refused, and by which words."""

NEVER = {"AffineGrid", "LinearAttention", "Range"}
"""What always is."""

OTHERWISE = {
    *("BatchNormalization", "Hardmax", "LogSoftmax", "Softmax"),  # before 13, 14: read as if newer
    *("LpNormalization", "LpPool", "Resize", "RoiAlign", "TopK", "Upsample"),
}
"""Operators for which the reference of onnx is known to answer otherwise than runtimes, in some
version or with some attribute."""

HALF = 2e-2


def session(one: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    return onnxruntime.InferenceSession(
        one.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def own(one: onnx.ModelProto) -> Callable[[dict], np.ndarray] | None:
    """What the runtime answers; None where it has no such operator."""
    try:
        compiled = session(one)
    except Exception:  # noqa: BLE001 - an operator that the runtime has none of
        return None
    return lambda feeds: compiled.run(["y"], feeds)[0]


def off(found: np.ndarray, right: np.ndarray) -> float:
    """The largest difference over the largest number."""
    if found.shape != right.shape:
        return np.inf
    a, b = found.astype(float).ravel(), right.astype(float).ravel()
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    largest = np.abs(b[np.isfinite(b)]).max(initial=1e-6)
    return float(np.abs(a - b)[~same].max(initial=0) / largest)


def differentiated(
    one: onnx.ModelProto, feeds: dict, cotangent: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The answer of the prepared graph, and the gradient by every input."""
    prepared = autodiff.prepared(one)
    settle(prepared, feeds, images=None)
    graph, names = autodiff.backward(prepared, "y", list(feeds))
    fetched = ["y", *(names[name] for name in feeds)]
    y, *found = session(graph).run(fetched, {**feeds, "cotangent": cotangent})
    return y, dict(zip(feeds, found, strict=True))


def said(operator: str, opset: int, way: Way, *more: object) -> str:
    shapes = [None if x is None else np.shape(x) for x in way.inputs]
    return f"{operator}, opset {opset}, {dict(way.said)}, {shapes}, answer {way.answer}: {more}"


def tried(operator: str, opset: int, *, symbolic: bool) -> Iterator[tuple[Way, str | None]]:
    """Every way of an operator in one opset, and what is wrong with it."""
    for way in ways(operator):
        made = model(operator, way, opset, symbolic=symbolic)
        if made is None:
            continue
        one, feeds = made
        run = own(one)
        if run is None:
            continue
        right = run(feeds)
        if (wrong := _by_the_reference(operator, one, feeds, right)) is not None:
            yield way, wrong
            continue
        try:
            yield way, _wrong(operator, one, feeds, right, run)
        except (NoRule, ModelError) as error:
            words = REFUSED.get(operator)
            known = words is not None and re.search(words, str(error))
            yield way, "refused" if known else str(error)


def _by_the_reference(
    operator: str, one: onnx.ModelProto, feeds: dict, right: np.ndarray
) -> str | None:
    if operator in RANDOM | OTHERWISE:
        return None
    try:
        found = np.asarray(ReferenceEvaluator(one).run(["y"], feeds)[0])
    except Exception:  # noqa: BLE001 - it has no implementation, or one that fails
        return None
    return None if off(found, right) <= 1e-4 else f"reference: {off(found, right):.2g}"


def _wrong(
    operator: str, one: onnx.ModelProto, feeds: dict, right: np.ndarray, run: Callable
) -> str | None:
    cotangent = np.random.default_rng(1).standard_normal(right.shape).astype(np.float32)
    y, found = differentiated(one, feeds, cotangent)
    if operator not in RANDOM and off(y, right) > 1e-5:
        return f"values: {off(y, right):.2g}"
    if operator in CONSTANT:
        return "moves" if any(g.any() for g in found.values()) else None
    if operator in QUANTISING | RANDOM:
        return None if all(np.isfinite(g).all() for g in found.values()) else "not finite"
    for seed in range(3):
        if (wrong := _slope(feeds, found, right, cotangent, run, seed)) is not None:
            return wrong
    return None


def _slope(
    feeds: dict, found: dict, right: np.ndarray, cotangent: np.ndarray, run: Callable, seed: int
) -> str | None:
    """The slope along a random direction, beside that of the gradient."""
    random, step = np.random.default_rng(seed), 2e-3
    way = {name: random.standard_normal(x.shape).astype(np.float32) for name, x in feeds.items()}
    ends = [
        run({n: (x + sign * step * way[n]).astype(np.float32) for n, x in feeds.items()})
        for sign in (1, -1)
    ]
    if any(end.shape != right.shape for end in ends):
        return None  # a range that became longer
    each = (ends[0].astype(float) - ends[1]) / (2 * step) * cotangent
    rounding = np.abs(right).max(initial=0) * 2e-7 / step * np.abs(cotangent).sum()
    got = sum(float((found[n].astype(float) * way[n]).sum()) for n in feeds)
    near = abs(got - each.sum()) <= 5e-3 * np.abs(each).sum() + rounding + 1e-6
    return None if near else f"slope {got:.5g}, right {each.sum():.5g}"


def faults(operator: str, versions: list[int], *, symbolic: bool) -> list[str]:
    wrong, right = [], 0
    for opset in versions:
        for way, found in tried(operator, opset, symbolic=symbolic):
            right += found is None
            if found not in (None, "refused"):
                wrong.append(said(operator, opset, way, found))
    ran = right or operator in NEVER or any(own(m[0]) is None for m in _models(operator, versions))
    return wrong if ran else [*wrong, f"{operator}: nothing was tried"]


def _models(operator: str, versions: list[int]) -> Iterator[tuple[onnx.ModelProto, dict]]:
    made = (model(operator, way, opset) for opset in versions for way in ways(operator))
    return (one for one in made if one is not None)


@pytest.mark.parametrize("operator", claimed())
def test_newest_version(operator: str) -> None:
    """In the newest opset that changed it and is not so new that runtimes lack it."""
    versions = [v for v in opsets(operator) if v <= 23][-1:] or opsets(operator)[:1]
    assert not faults(operator, versions, symbolic=False)


@pytest.mark.slow
@pytest.mark.parametrize("operator", claimed())
def test_every_version(operator: str) -> None:
    """With lengths that are known and, in every other version, with lengths that are open."""
    versions = opsets(operator)
    assert not faults(operator, versions, symbolic=False)
    assert not faults(operator, versions[::-2], symbolic=True)


HALVES = sorted(
    {"AveragePool", "BatchNormalization", "Concat", "Conv", "Gather", "GatherElements", "GatherND"}
    | {"Gemm", "Gelu", "LayerNormalization", "MatMul", "Max", "MaxPool", "Min", "Mul", "Pad"}
    | {"ReduceMax", "ReduceMean", "Resize", "Sigmoid", "Slice", "Softmax", "Split", "Tile", "Where"}
)


@pytest.mark.parametrize("operator", HALVES)
def test_half_precision_has_the_gradients_of_single(operator: str) -> None:
    opset, count = [v for v in opsets(operator) if v <= 23][-1], 0
    for way in ways(operator):
        single, half = (model(operator, way, opset, kind=k) for k in ("float32", "float16"))
        if single is None or half is None or (run := own(half[0])) is None:
            continue
        cotangent = np.random.default_rng(1).standard_normal(run(half[1]).shape).astype(np.float32)
        try:
            right = differentiated(*single, cotangent)[1]
        except NoRule:
            continue
        found = differentiated(*half, cotangent)[1]
        for name, g in right.items():
            got = found[name if name in found else f"{name} given"]
            assert off(got, g) <= HALF, said(operator, opset, way, name)
        count += 1
    assert count


@pytest.mark.slow
@pytest.mark.parametrize("operator", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers_in_double_precision(operator: str) -> None:
    for way in ways(operator):
        single, double = (model(operator, way, 14, kind=kind) for kind in ("float32", "float64"))
        right = session(single[0]).run(["y"], single[1])[0]  # runtimes have no others
        assert off(differentiated(*double, np.ones_like(right))[0], right) <= 1e-5


def test_versions_that_rules_do_not_know_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A later version may have an attribute that changes what is computed."""
    monkeypatch.setattr(registry, "NEWEST", 13)
    way = ways("LeakyRelu")[0]  # of 16
    one, feeds = model("LeakyRelu", way, 18)
    with pytest.raises(NoRule, match="up to opset 13; the model has 18"):
        autodiff.backward(autodiff.prepared(one), "y", list(feeds))
    one, feeds = model("Tan", ways("Tan")[0], 18)  # unchanged since 7
    autodiff.backward(autodiff.prepared(one), "y", list(feeds))


def test_the_newest_opset_is_that_of_onnx() -> None:
    """A newer onnx brings versions of operators that have to be looked at first."""
    changed = {n for n, v in SCHEMAS.items() if max(v) > NEWEST and n in claimed()}
    assert defs.onnx_opset_version() <= NEWEST or not changed


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_space_to_depth_of_either_order(mode: str) -> None:
    """Runtimes lack its newest version; the rule is compared with the reference of onnx."""
    if defs.onnx_opset_version() < 28:
        pytest.skip("needs onnx with opset 28")
    way = Way(
        [np.arange(144, dtype=np.float32).reshape(2, 3, 4, 6)], {"blocksize": 2, "mode": mode}
    )
    one, feeds = model("SpaceToDepth", way, 28)
    cotangent = np.random.default_rng(0).standard_normal((2, 12, 2, 3)).astype(np.float32)
    graph, names = autodiff.backward(autodiff.prepared(one), "y", ["x0"])
    y, found = ReferenceEvaluator(graph).run(["y", names["x0"]], {**feeds, "cotangent": cotangent})
    assert np.array_equal(np.sort(y.ravel()), np.arange(144))
    right = np.empty(144, np.float32)
    right[y.ravel().astype(int)] = cotangent.ravel()  # every number went to one place
    assert np.array_equal(found.ravel(), right)
