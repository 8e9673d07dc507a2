"""Agreement of a map with what moves a number, against slow definitions and networks that are known
whole.
"""

from itertools import product

import numpy as np
import pytest

from xai_heatmap.core.errors import BadArray
from xai_heatmap.metrics.parts.agreement import (
    OfCopies,
    agreement,
    copies,
    cosine,
    predicted,
    share_as_good,
    spread,
)
from xai_heatmap.metrics.parts.blocks import blocks_of, over_places, patch_means
from xai_heatmap.metrics.parts.halving import halves, whole_draws
from xai_heatmap.metrics.parts.imputation import interpolated, interpolated_each
from xai_heatmap.metrics.parts.naive import centre, edges

SIZES = [(40,), (16, 24), (4, 9, 8), (9, 8, 5)]
RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("size", SIZES)
def test_every_half_takes_half_of_the_blocks_and_pairs_are_orthogonal(size):
    blocks = blocks_of(size)
    each = blocks.count - 1
    taken = halves(blocks, 2 * each)
    assert taken.shape == (2 * each, *blocks.patches)
    assert (taken.reshape(len(taken), -1).sum(axis=1) == taken[0].size // 2).all()
    for draw in (taken[:each], taken[each:]):
        signs = np.where(draw.reshape(each, -1), 1.0, -1.0)
        np.testing.assert_array_equal(signs @ signs.T, taken[0].size * np.eye(each))


def test_later_draws_lie_across_the_edges_of_blocks():
    taken = halves(blocks_of((16, 16)), 30)
    first, second = taken[:15], taken[15:]
    inside = first.reshape(15, 4, 2, 4, 2)
    assert (inside == inside[:, :, :1, :, :1]).all()
    across = np.roll(second, (-1, -1), axis=(1, 2)).reshape(15, 4, 2, 4, 2)
    assert (across == across[:, :, :1, :, :1]).all()
    assert not (
        second.reshape(15, 4, 2, 4, 2) == second.reshape(15, 4, 2, 4, 2)[:, :, :1, :, :1]
    ).all()


def test_draws_hang_on_the_seed_alone():
    blocks = blocks_of((16, 16))
    np.testing.assert_array_equal(halves(blocks, 20), halves(blocks, 20))
    np.testing.assert_array_equal(halves(blocks, 20), halves(blocks, 40)[:20])
    assert (halves(blocks, 20, seed=1) != halves(blocks, 20)).any()


@pytest.mark.parametrize(("pairs", "whole"), [(15, 15), (31, 30), (63, 60), (7, 7)])
def test_pairs_are_whole_draws(pairs, whole):
    assert whole_draws(blocks_of((16, 16)), pairs) == whole


def by_loops(patches, taken, moved):
    """T with every pair and every patch by itself."""
    m = []
    for half in taken:
        here = there = 0.0
        for place in product(*map(range, patches.shape)):
            if half[place]:
                here += patches[place]
            else:
                there += patches[place]
        m.append((here - there) / 2)
    above = sum(a * b for a, b in zip(m, moved, strict=True))
    return above / np.sqrt(sum(a * a for a in m) * sum(b * b for b in moved))


@pytest.mark.parametrize("size", SIZES)
def test_agreement_is_its_definition(size):
    blocks = blocks_of(size)
    taken = halves(blocks, 20)
    patches, moved = RANDOM.normal(size=blocks.patches), RANDOM.normal(size=20)
    assert agreement(patches, taken, moved) == pytest.approx(by_loops(patches, taken, moved))


def test_an_additive_network_is_predicted_whole_by_its_own_weights():
    blocks = blocks_of((16, 16))
    taken = halves(blocks, 30)
    worth = RANDOM.normal(size=blocks.patches)
    falls = np.array([[worth[half].sum(), worth[~half].sum()] for half in taken])
    moved = (falls[:, 0] - falls[:, 1]) / 2
    assert agreement(3 * worth + 5, taken, moved) == pytest.approx(1)
    assert agreement(-worth, taken, moved) == pytest.approx(-1)
    assert spread(worth, taken, moved) == pytest.approx(0, abs=1e-6)
    own = OfCopies(taken, moved)(worth)
    assert own[0] == pytest.approx(1)
    assert share_as_good(own) == 1 / len(own)


@pytest.mark.parametrize(("size", "pairs"), [((40,), 20), ((16, 24), 30), ((8, 8, 4), 9)])
def test_t_of_every_copy_is_that_of_the_copy_alone(size, pairs):
    blocks = blocks_of(size)
    taken, moved = halves(blocks, pairs), RANDOM.normal(size=pairs)
    of_copies, some = OfCopies(taken, moved), slice(None, None, 37)
    for patches in RANDOM.normal(size=(2, *blocks.patches)):
        own = patches.ravel()[copies(patches.shape)[some]]
        alone = cosine(predicted(own, taken), moved)
        np.testing.assert_allclose(of_copies(patches)[some], alone, atol=1e-12)
        assert of_copies(patches)[0] == pytest.approx(agreement(patches, taken, moved))
    assert not of_copies(np.zeros(blocks.patches)).any()


def test_copies_of_a_whole_draw_differ_in_size_by_where_blocks_begin_alone(monkeypatch):
    sizes = []

    def counting(patches, taken):
        sizes.append(len(patches))
        return predicted(patches, taken)

    blocks = blocks_of((16, 24))
    of_copies = OfCopies(halves(blocks, 30), RANDOM.normal(size=30))
    of_copies(RANDOM.normal(size=(8, 8)))
    monkeypatch.setattr("xai_heatmap.metrics.parts.agreement.predicted", counting)
    of_copies(RANDOM.normal(size=(8, 8)))
    assert sizes == [2]  # of 512


def test_of_one_draw_t_is_the_correlation_with_what_each_block_does():
    blocks = blocks_of((16, 16))
    taken = halves(blocks, 15)
    worth, moved = RANDOM.normal(size=(8, 8)), RANDOM.normal(size=15)
    sums = worth.reshape(4, 2, 4, 2).sum(axis=(1, 3)).ravel()
    signs = np.where(taken.reshape(15, 4, 2, 4, 2)[:, :, 0, :, 0].reshape(15, 16), 0.5, -0.5)
    effects = np.linalg.lstsq(signs, moved, rcond=None)[0]
    expected = np.corrcoef(sums, effects)[0, 1]
    assert agreement(worth, taken, moved) == pytest.approx(expected)


def test_the_spread_is_that_of_leaving_each_pair_out():
    blocks = blocks_of((16, 16))
    taken = halves(blocks, 12)
    patches, moved = RANDOM.normal(size=(8, 8)), RANDOM.normal(size=12)
    each = [
        by_loops(patches, np.delete(taken, left, 0), np.delete(moved, left)) for left in range(12)
    ]
    variance = 11 / 12 * sum((one - np.mean(each)) ** 2 for one in each)
    assert spread(patches, taken, moved) == pytest.approx(np.sqrt(variance))


@pytest.mark.parametrize(("shape", "count"), [((32,), 64), ((8, 8), 512), ((4, 8, 8), 4096)])
def test_copies_are_every_shift_of_every_mirror_image(shape, count):
    found = copies(shape)
    assert found.shape == (count, int(np.prod(shape)))
    np.testing.assert_array_equal(found[0], np.arange(found.shape[1]))
    assert len({tuple(row) for row in found}) == count
    assert (np.sort(found, axis=1) == np.arange(found.shape[1])).all()


def test_a_flat_map_agrees_with_nothing():
    blocks = blocks_of((16, 16))
    taken = halves(blocks, 15)
    for value in (0.0, 1.0, 1e-30):
        nearly = np.full((8, 8), value) * (1 + 1e-7 * RANDOM.normal(size=(8, 8)))
        assert agreement(nearly, taken, RANDOM.normal(size=15)) == 0
        assert spread(nearly, taken, RANDOM.normal(size=15)) == 0
    assert cosine(np.zeros(3), np.ones(3)) == 0


def test_patches_share_places_by_area():
    blocks = blocks_of((12, 8))
    values = RANDOM.normal(size=(12, 8))
    found = patch_means(values, blocks)
    fine = values.repeat(2, axis=0)  # 24 rows: three to a patch
    np.testing.assert_allclose(found, fine.reshape(8, 3, 8, 1).mean(axis=(1, 3)))
    assert found.mean() == pytest.approx(values.mean())
    whole = over_places(np.arange(64).reshape(8, 8) == 9, blocks)
    assert whole[1:3, 1].all()  # patch 1 goes from 1.5 to 3, and holds both centres
    assert whole.sum() == 2


def test_too_few_places_for_the_patches_are_refused_in_words():
    with pytest.raises(BadArray, match=r"7x20 places; the test cuts it into 8x8 patches"):
        blocks_of((7, 20))
    with pytest.raises(BadArray, match="no grid of one, two or three axes"):
        blocks_of((20, 20, 20, 20))
    assert blocks_of((30, 4, 40)).along == (4, 2, 4)


def test_several_sets_of_places_are_filled_as_each_alone():
    image = RANDOM.normal(size=(2, 6, 5)).astype(np.float32)
    gone = RANDOM.random((3, 6, 5)) > 0.5
    gone[2] = True
    found = list(interpolated_each(image, gone))
    for own, alone in zip(found, gone, strict=True):
        np.testing.assert_allclose(own, interpolated(image, alone), atol=1e-4)
    np.testing.assert_allclose(found[2][1], image[1].mean(), atol=1e-5)


def test_maps_that_know_nothing_are_what_they_say():
    blocks = blocks_of((16, 16))
    blob = centre(blocks)
    assert blob.argmax() in (27, 28, 35, 36)
    np.testing.assert_allclose(blob, blob[::-1, ::-1])
    half = np.zeros((1, 16, 16), np.float32)
    half[:, :, 8:] = 1
    found = edges(half, blocks)
    assert found[:, 3:5].min() > 0
    assert not found[:, :3].any()
    assert predicted(found.ravel(), halves(blocks, 2)).shape == (2,)
