"""Every formula against its oracle, and against the theorem that it has to keep."""

import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracles
import xai_heatmap.methods
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.registry import METHODS, find_method

shapes = st.tuples(st.integers(1, 7), st.integers(1, 6), st.integers(1, 6))
ORACLES = {
    "gradcam": oracles.gradcam_by_loops,
    "hirescam": oracles.hirescam_by_loops,
    "layercam": oracles.layercam_by_loops,
}


def evidence(shape: tuple[int, ...], seed: int) -> Evidence:
    random = np.random.default_rng(seed)
    activation, gradient = random.normal(size=(2, *shape)).astype(np.float32)
    return Evidence(activation=activation, gradient=gradient)


@pytest.mark.parametrize("name", ORACLES)
@given(shape=shapes, seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_equals_its_oracle(name, shape, seed):
    known = evidence(shape, seed)
    wanted = ORACLES[name](known.activation, known.gradient)
    found = find_method(name)(known)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-5 * max(1, np.abs(wanted).max()))


@given(shape=shapes, seed=st.integers(0, 10_000))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_eigencam_equals_the_whole_decomposition_up_to_sign(shape, seed):
    activation = np.abs(evidence(shape, seed).activation)
    wanted = oracles.eigencam_by_decomposition(activation)
    found = find_method("eigencam")(Evidence(activation=activation))
    scale = np.abs(wanted).max()
    error = min(np.abs(found - wanted).max(), np.abs(found + wanted).max())
    assert error <= 1e-5 * scale


@pytest.mark.parametrize("shape", [(8, 5, 5), (3, 9, 9), (40, 4, 4)])
@pytest.mark.parametrize("offset", [0.0, 1.0, -1.0])
def test_eigencam_is_never_inverted(shape, offset):
    random = np.random.default_rng(0)
    for seed in range(20):
        object_ = np.zeros(shape[1:], np.float32)
        object_[1:3, 1:3] = 4
        strengths = np.random.default_rng(seed).uniform(0.2, 1, shape[0]).astype(np.float32)
        noise = random.normal(scale=0.1, size=shape).astype(np.float32)
        activation = strengths[:, None, None] * object_ + noise + np.float32(offset)
        found = find_method("eigencam")(Evidence(activation=activation))
        assert found[1:3, 1:3].mean() > found[3:, 3:].mean()


def test_eigencam_of_nothing_is_nothing():
    found = find_method("eigencam")(Evidence(activation=np.zeros((4, 3, 3), np.float32)))
    np.testing.assert_array_equal(found, np.zeros((3, 3)))


@given(shape=shapes, seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_hirescam_of_a_linear_head_sums_to_the_score(shape, seed):
    known = evidence(shape, seed)  # y = Σ G A, whose gradient is G everywhere
    score = float((known.gradient.astype(float) * known.activation).sum())
    assert find_method("hirescam")(known).sum() == pytest.approx(score, abs=1e-4)


def test_gradcam_of_a_pooled_linear_head_is_cam():
    random = np.random.default_rng(3)
    activation = random.uniform(size=(6, 4, 5)).astype(np.float32)
    row = random.normal(size=6).astype(np.float32)
    gradient = np.broadcast_to(row[:, None, None] / 20, activation.shape).astype(np.float32)
    cam = np.maximum(np.tensordot(row, activation, axes=1), 0) / 20
    found = find_method("gradcam")(Evidence(activation=activation, gradient=gradient))
    np.testing.assert_allclose(found, cam, atol=1e-6)


def test_gradcam_hirescam_and_layercam_agree_where_the_gradient_is_positive_and_even():
    known = evidence((5, 3, 3), 7)
    even = np.broadcast_to(np.abs(known.gradient[:, :1, :1]), known.gradient.shape)
    known = Evidence(activation=np.abs(known.activation), gradient=np.ascontiguousarray(even))
    maps = [find_method(name)(known) for name in ORACLES]
    np.testing.assert_allclose(maps[0], maps[1], rtol=1e-5)
    np.testing.assert_allclose(maps[0], maps[2], rtol=1e-5)


def test_gradcam_without_relu_keeps_evidence_against():
    known = evidence((5, 6, 6), 1)
    signed = find_method("gradcam")(known, {"relu": False})
    assert signed.min() < 0
    np.testing.assert_array_equal(np.maximum(signed, 0), find_method("gradcam")(known))


@pytest.mark.parametrize("shape", [(4, 9), (4, 3, 4, 5)])
@pytest.mark.parametrize("name", ["gradcam", "hirescam", "layercam", "eigencam"])
def test_signals_and_volumes_are_summed_over_all_their_axes(name, shape):
    known = evidence(shape, 5)
    flat = Evidence(
        activation=known.activation.reshape(4, 1, -1), gradient=known.gradient.reshape(4, 1, -1)
    )
    found = find_method(name)(known)
    assert found.shape == shape[1:]
    np.testing.assert_allclose(found.ravel(), find_method(name)(flat).ravel(), atol=1e-6)


@pytest.mark.parametrize("name", ["gradcam", "hirescam", "layercam", "eigencam"])
def test_memory_order_does_not_matter_and_nothing_is_written(name):
    known = evidence((6, 4, 5), 2)
    before = known.activation.copy(), known.gradient.copy()
    moved = Evidence(
        activation=np.moveaxis(np.ascontiguousarray(np.moveaxis(known.activation, 0, -1)), -1, 0),
        gradient=np.moveaxis(np.ascontiguousarray(np.moveaxis(known.gradient, 0, -1)), -1, 0),
    )
    np.testing.assert_allclose(find_method(name)(moved), find_method(name)(known), atol=1e-6)
    np.testing.assert_array_equal(known.activation, before[0])
    np.testing.assert_array_equal(known.gradient, before[1])


@pytest.mark.parametrize("name", METHODS)
def test_docstring_example_is_right(name):
    module = importlib.import_module(f"xai_heatmap.methods.{name}")
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def test_every_citation_is_in_the_bibliography():
    text = Path(xai_heatmap.methods.__file__).with_name("references.bib").read_text("utf-8")
    keys = set(re.findall(r"@\w+\{([^,]+),", text))
    assert {method.cite for method in METHODS.values()} <= keys


def test_every_method_has_an_oracle():
    assert set(METHODS) == {*ORACLES, "eigencam"}
