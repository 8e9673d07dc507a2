"""Every rule against automatic differentiation of torch in float64."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from onnx.shape_inference import InferenceError
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidGraph
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotImplemented_
from rule_cases import CASES, Case

from xai_heatmap.core.errors import ModelError, NoRule
from xai_heatmap.networks.onnx import autodiff

TOLERANCE = 1e-5


def model_of(operator: str, case: Case, dtype: type, *, symbolic: str) -> onnx.ModelProto:
    """One node, its differentiated inputs as graph inputs and the others stored."""
    names = ["" if x is None else f"x{i}" for i, x in enumerate(case.inputs)]
    outputs = [f"y{i}" for i in range(case.outputs)]
    every = [*outputs, "indices"] if operator == "TopK" else outputs
    nodes = [helper.make_node(operator, names, every, name="node", **case.attributes)]
    if operator in ("QuantizeLinear", "DequantizeLinear"):
        nodes = [
            helper.make_node("QuantizeLinear", names, ["q"], **case.attributes),
            helper.make_node("DequantizeLinear", ["q", *names[1:]], outputs, **case.attributes),
        ]
    inputs, stored = [], []
    for i, x in enumerate(case.inputs):
        if x is None:
            continue
        array = _typed(x, dtype)
        if i in case.fixed:
            stored.append(numpy_helper.from_array(array, names[i]))
            continue
        open_axes = {"none": 0, "first": 1, "all": x.ndim}[symbolic]
        lengths = [
            f"x{i}_{axis}" if axis < open_axes else length for axis, length in enumerate(x.shape)
        ]
        inputs.append(
            helper.make_tensor_value_info(
                names[i], helper.np_dtype_to_tensor_dtype(array.dtype), lengths
            )
        )
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    if operator == "Cast":
        kind = case.attributes["to"]
    results = [
        helper.make_tensor_value_info(name, kind, [None] * y.ndim)
        for name, y in zip(outputs, twin_outputs(case)[1], strict=True)
    ]
    graph = helper.make_graph(nodes, "graph", inputs, results, stored)
    opset = helper.make_opsetid("", case.opset)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10)


def _typed(x: np.ndarray, dtype: type) -> np.ndarray:
    return np.asarray(x, dtype) if x.dtype == np.float64 else np.asarray(x)


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def relative(found: np.ndarray, expected: np.ndarray, cotangent: np.ndarray) -> float:
    """The largest error over the largest number.

    Where the runtime has no float64 kernel, the cotangent counts as a number too: it was rounded on
    the way, and where it cancels it is not the rule that is wrong.
    """
    assert found.shape == expected.shape
    least = np.abs(cotangent).max() if found.dtype == np.float32 else 1e-6
    return float(
        np.abs(found - expected).max(initial=0) / max(np.abs(expected).max(initial=0), least)
    )


def twin_outputs(case: Case) -> tuple[list[torch.Tensor | None], tuple[torch.Tensor, ...]]:
    """The inputs as torch sees them in float64, and what the twin makes of them."""
    tensors = [
        None
        if x is None
        else torch.from_numpy(np.array(x, np.float64 if x.dtype.kind == "f" else x.dtype))
        for x in case.inputs
    ]
    for i, x in enumerate(tensors):
        if x is not None and i not in case.fixed:
            x.requires_grad_()
    results = case.twin(*tensors)
    return tensors, (results,) if isinstance(results, torch.Tensor) else tuple(results)


def check(operator: str, case: Case, *, symbolic: str = "none", maxpool: str = "portable") -> None:
    """Compare the gradients of all inputs, for a random cotangent of every output in turn."""
    dtype = np.float32 if case.single else np.float64
    try:
        graphs = list(_graphs(operator, case, dtype, symbolic, maxpool))
    except (NotImplemented_, InvalidGraph, ModelError, InferenceError):
        dtype = np.float32
        graphs = list(_graphs(operator, case, dtype, symbolic, maxpool))
    tensors, results = twin_outputs(case)
    wanted = [i for i, x in enumerate(tensors) if x is not None and i not in case.fixed]
    feeds = {f"x{i}": _typed(case.inputs[i], dtype) for i in wanted}
    rng = np.random.default_rng(0)
    for (run, output, names), expected_output in zip(graphs, results, strict=True):
        cotangent = rng.standard_normal(expected_output.shape)
        expected = torch.autograd.grad(
            expected_output, [tensors[i] for i in wanted], torch.from_numpy(cotangent),
            retain_graph=True, materialize_grads=True,
        )  # fmt: skip
        kind = np.float32 if "float)" in run.get_inputs()[-1].type else np.float64
        fetched = [output, *(names[f"x{i}"] for i in wanted)]
        y, *found = run.run(fetched, feeds | {"cotangent": cotangent.astype(kind)})
        assert relative(y, expected_output.detach().numpy(), cotangent) <= TOLERANCE
        for got, right in zip(found, expected, strict=True):
            assert relative(got, right.numpy(), cotangent) <= TOLERANCE


def _graphs(operator: str, case: Case, dtype: type, symbolic: str, maxpool: str):
    model = autodiff.prepared(model_of(operator, case, dtype, symbolic=symbolic))
    names = [f"x{i}" for i, x in enumerate(case.inputs) if x is not None and i not in case.fixed]
    for i in range(case.outputs):
        graph, gradients = autodiff.backward(model, f"y{i}", names, maxpool=maxpool)
        onnx.checker.check_model(graph, full_check=True)
        yield session(graph), f"y{i}", gradients


@pytest.mark.slow
@pytest.mark.parametrize("operator", sorted(CASES))
@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(data=st.data())
def test_rule_equals_autograd(operator: str, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    symbolic = data.draw(st.sampled_from(("none", "first")))
    check(operator, CASES[operator](data.draw, rng), symbolic=symbolic)


@settings(max_examples=25, derandomize=True, deadline=None, phases=[Phase.generate])
@given(data=st.data())
def test_scatter_form_of_maxpool_equals_autograd(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    check("MaxPool", CASES["MaxPool"](data.draw, rng), symbolic="first", maxpool="scatter")


# With a grid of unknown size these say no; everything else works for any size.
NEEDS_SIZES = {
    "AveragePool", "Col2Im", "Conv", "ConvTranspose", "DepthToSpace", "Einsum", "Resize",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("operator", sorted(CASES))
@settings(max_examples=6, derandomize=True, deadline=None, phases=[Phase.generate])
@given(data=st.data())
def test_rule_with_all_lengths_open_is_right_or_refuses(operator: str, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    try:
        check(operator, CASES[operator](data.draw, rng), symbolic="all")
    except NoRule:
        assert operator in NEEDS_SIZES


def test_every_rule_has_a_case() -> None:
    of_integers = {"ConvInteger", "DynamicQuantizeLinear", "MatMulInteger"}  # test_quantised.py
    assert set(autodiff.rules()) == set(CASES) | of_integers
