"""Changes between two pictures, against the definition written out."""

import numpy as np
import pytest

from xai_heatmap.networks.opening.changes import ENOUGH, Room, moves

SHAPES = [(5, 6, 7), (70, 6, 6), (6, 6, 70), (40, 36), (1, 9, 9), (4, 3, 5, 6)]


def lengths(outputs, axis):
    """Of the change at every place, without the mean over places and with it."""
    some = np.moveaxis(outputs.astype(float), axis, 1)
    some = some[:, :: -(-some.shape[1] // ENOUGH)]
    change = some[1] - some[0]
    change = change / np.abs(change).max()
    found = np.zeros((2, *change.shape[1:]))
    for own in change:
        found[0] += (own - own.sum() / own.size) ** 2
        found[1] += own**2
    return found**0.5


@pytest.mark.parametrize("size", [1.0, 1e-25])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_lengths_are_those_of_the_definition(shape, size):
    random = np.random.default_rng(0)
    image = (36,) if len(shape) == 2 else (12,) * (len(shape) - 1)
    outputs = (size * random.normal(size=(2, *shape))).astype(np.float32)
    room = Room()
    moves(random.normal(size=(2, 3, *image)).astype(np.float32), image, room)
    found = moves(outputs, image, room)
    assert found is not None
    assert not found.silent
    assert found.first is not None or found.last is not None
    for own, axis in ((found.first, 1), (found.last, -1)):
        if own is not None:
            np.testing.assert_allclose(own, lengths(outputs, axis), rtol=1e-4, atol=1e-5)
    again = moves(outputs, image)
    assert again is not None
    for own, other in ((found.first, again.first), (found.last, again.last)):
        assert (own is None) == (other is None)
        assert own is None or np.array_equal(own, other)


def test_what_only_rounding_moves_is_silent():
    outputs = np.ones((2, 3, 4, 4), np.float32)
    outputs[1] += np.float32(1e-7)
    found = moves(outputs, (8, 8))
    assert found is not None
    assert found.silent


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_numbers_that_are_none_are_not_compared(odd):
    outputs = np.ones((2, 3, 4, 4), np.float32)
    outputs[1, 0, 0, 0] = odd
    assert moves(outputs, (8, 8)) is None
