"""The first eigenvector by a few multiplications; by a decomposition where these say nothing."""

import numpy as np
import pytest

from xai_heatmap.methods import _principal
from xai_heatmap.methods._principal import first_of, leading, principal
from xai_heatmap.methods.kpcacam import kpcacam

RNG = np.random.default_rng(0)
FEATURES = np.maximum(RNG.normal(1, 1, (24, 49)), 0)
MIXED = RNG.normal(size=(24, 49))


@pytest.fixture
def decomposed(monkeypatch):
    """Sizes of the matrices that were decomposed."""
    sizes, real = [], np.linalg.eigh
    monkeypatch.setattr(
        _principal.np.linalg, "eigh", lambda own: (sizes.append(own.shape), real(own))[1]
    )
    return sizes


def by_singular_values(rows):
    """R^T u₁ of a full decomposition, up to the sign."""
    left = np.linalg.svd(rows)[0][:, 0]
    return rows.T @ left


@pytest.mark.parametrize(
    ("rows", "decompositions"),
    [(FEATURES, 0), (FEATURES.T, 0), (MIXED, 1), (MIXED.T, 1), (1e150 * FEATURES, 0)],
)
def test_it_is_the_first_singular_vector(rows, decompositions, decomposed):
    found, wanted = principal(rows), by_singular_values(rows)
    largest = np.abs(wanted).max()
    assert min(np.abs(found - wanted).max(), np.abs(found + wanted).max()) < 1e-9 * largest
    assert len(decomposed) == decompositions


def test_a_start_that_stands_across_the_first_vector_does_not_end_at_the_second(decomposed):
    across, even = np.array([1.0, -1.0, 0, 0]), np.full(4, 0.5)
    gram = 0.7 * np.outer(across, across) / 2 + 0.3 * np.outer(even, even)
    np.testing.assert_allclose(np.abs(leading(gram)), np.abs(across) / np.sqrt(2), atol=1e-12)
    assert decomposed == [(4, 4)]


@pytest.mark.parametrize("rows", [np.zeros((3, 4)), np.zeros((4, 3)), np.eye(3), -np.eye(1)])
def test_rows_without_a_first_pattern_of_their_own_have_a_finite_one(rows):
    assert np.isfinite(principal(rows)).all()


def kernel_of(values):
    """A symmetric matrix with these eigenvalues, and its eigenvectors."""
    turns = np.linalg.qr(np.random.default_rng(1).normal(size=(len(values), len(values))))[0]
    return (turns * values) @ turns.T, turns


@pytest.mark.parametrize(
    ("values", "decompositions"),
    [
        (0.8 ** np.arange(60), 0),
        (np.r_[1, 0.99, 0.5 ** np.arange(1, 59)], 0),
        (np.r_[-0.9, 1, 0.3, np.zeros(57)], 0),
        (np.r_[1.0, np.full(59, 0.9)], 1),
        (np.r_[1.0, 0.5, np.zeros(8)], 1),
    ],
    ids=["falling", "near", "one below zero", "even", "small"],
)
def test_the_first_vector_of_a_kernel_in_which_none_stands_out(values, decompositions, decomposed):
    kernel, turns = kernel_of(values)
    value, vector = first_of(kernel)
    at = int(np.argmax(values))
    assert abs(value - values[at]) < 1e-12
    assert abs(abs(vector @ turns[:, at]) - 1) < 1e-12
    assert decomposed.count(kernel.shape) == decompositions


def test_a_kernel_without_a_pattern_has_a_finite_first_vector():
    assert first_of(np.zeros((40, 40)))[0] == 0
    assert np.isfinite(first_of(np.eye(40))[1]).all()


def test_kpcacam_decomposes_no_kernel_of_all_places(decomposed):
    falling = 0.6 ** np.arange(5)[:, None, None] * RNG.random((5, 1, 1))
    activation = falling * np.add.outer(np.arange(14.0), np.sin(np.arange(14.0)))
    assert np.ptp(kpcacam(activation.astype(np.float32))) > 0
    assert decomposed
    assert max(decomposed) == (_principal.BLOCK, _principal.BLOCK)
