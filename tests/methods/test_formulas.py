"""Every formula against its oracle, and against the theorem that it has to keep."""

import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xai_heatmap.methods
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.registry import METHODS, MODIFIERS, find_method
from xai_heatmap.testing import oracles

shapes = st.tuples(st.integers(1, 7), st.integers(1, 6), st.integers(1, 6))
ORACLES = {
    "gradcam": oracles.gradcam_by_loops,
    "hirescam": oracles.hirescam_by_loops,
    "layercam": oracles.layercam_by_loops,
    "gradcam_pp": oracles.gradcam_pp_by_loops,
    "xgradcam": oracles.xgradcam_by_loops,
    "gradient": oracles.gradient_by_loops,
    "saliency": oracles.saliency_by_loops,
    "input_x_gradient": oracles.hirescam_by_loops,
}
"""Methods of activation and gradient at any of them."""
RECORDED = [*ORACLES, "eigencam", "eigengradcam", "kpcacam", "fem"]
"""Methods that take activations and gradients as they come."""


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


@given(shape=shapes, seed=st.integers(0, 10_000), scale=st.sampled_from([1e-9, 1e-4, 1.0, 1e3]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_gradcam_pp_is_exact_whatever_the_size_of_the_gradient(shape, seed, scale):
    known = evidence(shape, seed)
    known = Evidence(
        activation=np.abs(known.activation), gradient=known.gradient * np.float32(scale)
    )
    wanted = oracles.gradcam_pp_by_loops(known.activation, known.gradient)
    found = find_method("gradcam_pp")(known)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


def test_gradcam_pp_of_signed_activations_stays_bounded():
    activation = np.array([[[-4.0, 2.0]]], np.float32)  # 2 + G ΣA would be 0
    gradient = np.array([[[1.0, 0.0]]], np.float32)
    found = find_method("gradcam_pp")(Evidence(activation=activation, gradient=gradient))
    np.testing.assert_allclose(found, [[0, 1]])


def test_gradcam_pp_counts_several_objects_alike():
    """Figure 3 of the paper: three areas of 9, 4 and 1 places on maps of their own."""
    activation = np.zeros((3, 6, 6), np.float32)
    activation[0, :3, :3] = activation[1, 4:, 4:] = activation[2, 0, 5] = 1
    known = Evidence(activation=activation, gradient=activation.copy())
    averaged, weighed = find_method("gradcam")(known), find_method("gradcam_pp")(known)
    assert averaged[0, 5] < 0.15 * averaged[0, 0]
    assert weighed[0, 5] > 0.4 * weighed[0, 0]


def test_xgradcam_leaves_out_feature_maps_that_cancel_out():
    activation = np.array([[[5.0, -5.0]], [[1.0, 1.0]]], np.float32)
    gradient = np.array([[[1e6, -1e6]], [[2.0, 2.0]]], np.float32)
    found = find_method("xgradcam")(Evidence(activation=activation, gradient=gradient))
    np.testing.assert_allclose(found, [[2, 2]])


@given(shape=shapes, seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_xgradcam_weights_conserve_the_sum_of_contributions(shape, seed):
    known = evidence(shape, seed)
    known = Evidence(activation=np.abs(known.activation) + 0.1, gradient=known.gradient)
    found = find_method("xgradcam")(known, {"relu": False})
    contributions = float((known.gradient.astype(float) * known.activation).sum())
    assert found.sum() == pytest.approx(contributions, rel=1e-4, abs=1e-3)


@given(shape=shapes, seed=st.integers(0, 10_000), sigmas=st.sampled_from([0.5, 1.3, 2.1]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_fem_equals_its_oracle(shape, seed, sigmas):
    activation = evidence(shape, seed).activation
    wanted = oracles.fem_by_loops(activation, sigmas)
    found = find_method("fem")(Evidence(activation=activation), {"sigmas": sigmas})
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@given(shape=shapes, seed=st.integers(0, 10_000), gamma=st.sampled_from([0.3, 1.0, 4.0]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_kpcacam_equals_the_whole_decomposition_up_to_sign(shape, seed, gamma):
    activation = evidence(shape, seed).activation
    if activation[0].size < 3:  # nothing, or one pair
        return
    wanted = oracles.kpcacam_by_decomposition(activation, gamma)
    found = find_method("kpcacam")(Evidence(activation=activation), {"gamma": gamma})
    error = min(np.abs(found - wanted).max(), np.abs(found + wanted).max())
    assert error <= 1e-5 * np.abs(wanted).max()


@pytest.mark.slow
def test_kpcacam_of_a_large_grid_is_that_of_its_landmarks():
    random = np.random.default_rng(0)
    coarse = random.uniform(size=(4, 16, 16)).astype(np.float32)
    fine = coarse.repeat(4, axis=1).repeat(4, axis=2)  # 4096 places, four times the landmarks
    found = find_method("kpcacam")(Evidence(activation=fine))
    wanted = find_method("kpcacam")(Evidence(activation=coarse)).repeat(4, 0).repeat(4, 1)
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.999


@given(shape=shapes, seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_eigengradcam_equals_the_whole_decomposition_of_contributions(shape, seed):
    known = evidence(shape, seed)
    contributions = known.gradient * known.activation
    wanted = oracles.eigencam_by_decomposition(contributions)
    wanted *= (
        np.sign(np.corrcoef(wanted.ravel(), contributions.sum(0).ravel())[0, 1] or 1)
        if (wanted.size > 1)
        else np.sign(wanted.sum() * contributions.sum())
    )
    found = find_method("eigengradcam")(known)
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_cam_adds_up_to_the_score_of_a_pooled_linear_head():
    random = np.random.default_rng(3)
    activation = random.normal(size=(6, 4, 5)).astype(np.float32)
    row, bias = random.normal(size=6).astype(np.float32), 0.7
    score = float(activation.mean(axis=(1, 2)) @ row) + bias
    gradient = np.broadcast_to(row[:, None, None] / 20, activation.shape).astype(np.float32)
    found = find_method("cam")(Evidence(activation=activation, gradient=gradient))
    np.testing.assert_allclose(found, oracles.cam_by_loops(activation, row), atol=1e-5)
    assert found.mean() + bias == pytest.approx(score, abs=1e-5)


def test_cam_refuses_a_gradient_that_differs_from_place_to_place():
    with pytest.raises(BadOption, match=r"differs from place to place.*gradcam"):
        find_method("cam")(evidence((3, 2, 2), 0))


def test_layercam_is_scaled_on_request():
    known = evidence((5, 6, 6), 1)
    plain = find_method("layercam")(known)
    scaled = find_method("layercam")(known, {"scale": True})
    np.testing.assert_allclose(scaled, np.tanh(2 * plain / plain.max()), atol=1e-6)
    nothing = Evidence(activation=known.activation * 0, gradient=known.gradient)
    assert not find_method("layercam")(nothing, {"scale": True}).any()


@pytest.mark.parametrize("name", RECORDED)
def test_nothing_gives_nothing(name):
    nothing = Evidence(*[np.zeros((4, 3, 3), np.float32)] * 3)
    np.testing.assert_array_equal(find_method(name)(nothing), np.zeros((3, 3)))


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
    maps = [find_method(name)(known) for name in ("gradcam", "hirescam", "layercam")]
    np.testing.assert_allclose(maps[0], maps[1], rtol=1e-5)
    np.testing.assert_allclose(maps[0], maps[2], rtol=1e-5)


@pytest.mark.parametrize("name", ["gradcam", "xgradcam"])
def test_without_relu_evidence_against_is_kept(name):
    known = evidence((5, 6, 6), 1)
    signed = find_method(name)(known, {"relu": False})
    assert signed.min() < 0
    np.testing.assert_array_equal(np.maximum(signed, 0), find_method(name)(known))


@pytest.mark.parametrize("shape", [(4, 9), (4, 3, 4, 5)])
@pytest.mark.parametrize("name", RECORDED)
def test_signals_and_volumes_are_summed_over_all_their_axes(name, shape):
    known = evidence(shape, 5)
    flat = Evidence(
        activation=known.activation.reshape(4, 1, -1), gradient=known.gradient.reshape(4, 1, -1)
    )
    found = find_method(name)(known)
    assert found.shape == shape[1:]
    np.testing.assert_allclose(found.ravel(), find_method(name)(flat).ravel(), atol=1e-6)


@pytest.mark.parametrize("name", RECORDED)
def test_memory_order_does_not_matter_and_nothing_is_written(name):
    known = evidence((6, 4, 5), 2)
    before = known.activation.copy(), known.gradient.copy()
    moved = Evidence(
        activation=np.moveaxis(np.ascontiguousarray(np.moveaxis(known.activation, 0, -1)), -1, 0),
        gradient=np.moveaxis(np.ascontiguousarray(np.moveaxis(known.gradient, 0, -1)), -1, 0),
    )
    found, wanted = find_method(name)(moved), find_method(name)(known)
    np.testing.assert_allclose(found, wanted, atol=1e-6 * np.abs(wanted).max())
    np.testing.assert_array_equal(known.activation, before[0])
    np.testing.assert_array_equal(known.gradient, before[1])


@pytest.mark.parametrize("name", METHODS)
def test_docstring_example_is_right(name):
    module = importlib.import_module(f"xai_heatmap.methods.{name}")
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("name", MODIFIERS)
def test_docstring_example_of_a_modifier_is_right(name):
    result = doctest.testmod(importlib.import_module(f"xai_heatmap.methods.{name}"))
    assert result.attempted
    assert not result.failed


def test_every_citation_is_in_the_bibliography():
    text = Path(xai_heatmap.methods.__file__).with_name("references.bib").read_text("utf-8")
    keys = set(re.findall(r"@\w+\{([^,]+),", text))
    named = [*METHODS.values(), *MODIFIERS.values()]
    assert {one.cite for one in named} <= keys


def test_every_method_has_an_oracle():
    tested = "".join(file.read_text("utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    named = {name for name in METHODS if f"def test_{name}_equals" in tested}
    assert set(METHODS) == {*ORACLES, "cam", "smoothgrad", "vargrad", *named}
