"""Products of matrices some rows at a time: the same numbers, each piece too small for a thread."""

import numpy as np
import pytest

from xai_heatmap.core import product as products
from xai_heatmap.core.product import ALONE, product


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(1, 1, 1), (60, 13, 375), (300, 7, 1), (0, 3, 4), (3, 0, 4)])
def test_it_is_the_product(kind, size):
    n, k, m = size
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(n, k)).astype(kind), rng.normal(size=(k, m)).astype(kind)
    found = product(first, second)
    assert (found.shape, found.dtype) == ((n, m), kind)
    slowly = np.array([[float(row @ column) for column in second.T] for row in first])
    np.testing.assert_allclose(found, slowly.reshape(n, m), rtol=0, atol=2e-5)


def test_it_takes_views_of_any_layout():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(40, 60))[::2].T, rng.normal(size=(600, 20)).T
    np.testing.assert_allclose(product(first, second), first.copy() @ second.copy())


def test_no_piece_is_worth_a_thread(monkeypatch):
    sizes, real = [], np.matmul

    def seen(first, second, out):
        sizes.append(first.size * second.shape[1])
        return real(first, second, out=out)

    monkeypatch.setattr(products.np, "matmul", seen)
    product(np.ones((500, 13), np.float32), np.ones((13, 375), np.float32))
    assert max(sizes) <= ALONE < sum(sizes) == 500 * 13 * 375


def test_a_product_of_which_one_row_is_large_is_left_to_the_threads(monkeypatch):
    monkeypatch.setattr(products.np, "matmul", lambda *_, **__: pytest.fail("in pieces"))
    assert product(np.ones((3, 600)), np.ones((600, 600)))[0, 0] == 600
