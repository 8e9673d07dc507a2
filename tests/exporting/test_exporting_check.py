"""What is compared before an exported file is kept."""

import numpy as np
import pytest

from xai_heatmap.core.errors import ModelError
from xai_heatmap.exporting.check import alike, same_maps, same_outputs


def map_(seed=0):
    return np.random.default_rng(seed).normal(size=(4, 5)).astype(np.float32)


def test_maps_that_differ_are_never_let_through():
    right = np.stack([map_(0), map_(1)])
    same_maps({"cam_0": right}, [right], [np.zeros(2, np.float32)])
    for wrong in (right[::-1], -right, right * 1.01, right * 0):
        with pytest.raises(ModelError, match="Map 0 of the exported model differs"):
            same_maps({"cam_0": wrong}, [right], [np.zeros(2, np.float32)])


def test_what_is_below_the_floor_is_rounding():
    right, floor = map_(), 2.0
    assert alike(right * 0, right * 1e-3, floor=floor)
    assert not alike(right * 0, right, floor=1e-3)


def test_one_last_bit_makes_outputs_others():
    own = {"scores": map_()}
    assert same_outputs({"scores": map_(), "cam_0": map_(2)}, own)
    moved = {"scores": np.nextafter(map_(), np.float32(9))}
    assert not same_outputs(moved, own)
    assert not same_outputs({}, own)
