"""Whether all numbers of an array are finite: the oracle looks at each of them."""

import warnings

import numpy as np
import pytest

from xai_heatmap.core.finite import finite

LARGEST = np.finfo(np.float32).max


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4, 5)])
@pytest.mark.parametrize("bad", [None, np.nan, np.inf, -np.inf, LARGEST, -LARGEST])
@pytest.mark.parametrize("laid", ["first", "last", "gaps"])
def test_every_number_counts_and_none_is_too_large(shape, bad, laid):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    if laid == "last" and x.ndim == 4:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if laid == "gaps" and x.ndim:
        x = np.repeat(x, 2, axis=-1)[..., ::2]
    if bad is not None and x.size:
        x[(0,) * x.ndim], x[(-1,) * x.ndim] = (-bad if bad == np.inf else bad), bad
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert finite(x) == bool(np.isfinite(x).all())
