"""The first eigenvector by a few multiplications; by a decomposition where these say nothing."""

import numpy as np
import pytest

from xai_heatmap.methods import _principal
from xai_heatmap.methods._principal import leading, principal

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
