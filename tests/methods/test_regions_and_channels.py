"""The user's own regions, and a map for each channel: formulas against their oracles."""

import numpy as np
import pytest

from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.registry import find_method
from xai_heatmap.testing import oracles
from xai_heatmap.testing.networks.head import ToyHead

SHAPE = (3, 5, 7)
RANDOM = np.random.default_rng(4)
ACTIVATION = RANDOM.normal(size=SHAPE).astype(np.float32)
HEAD = ToyHead(SHAPE)
KNOWN = Evidence(
    activation=ACTIVATION, head=HEAD, gradient=HEAD.slope(ACTIVATION).astype(np.float32)
)
MASKS = RANDOM.random((3, 5, 7)).astype(np.float32) * (RANDOM.random((3, 5, 7)) < 0.6)
LABELS = np.zeros((3, 5, 7), np.float32)
LABELS[0, :2], LABELS[1, 2:, :4], LABELS[2, 4:, 5:] = 1, 1, 1  # some places are in none
SIDES = [MASKS, LABELS]


def close(found, wanted):
    wanted = np.asarray(wanted)
    np.testing.assert_allclose(found, wanted, atol=2e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("masks", SIDES)
@pytest.mark.parametrize("fill", ["zero", "mean", 0.5])
def test_occlusion_of_regions_equals_its_oracle(masks, fill):
    found = find_method("occlusion").found(KNOWN, {"regions": masks, "fill": fill})
    value = {"zero": 0.0, "mean": ACTIVATION.mean((1, 2), keepdims=True)}.get(fill, fill)
    cover = np.broadcast_to(value, SHAPE)
    losses = oracles.losses_by_loops(ACTIVATION, HEAD.score, cover, masks, range(3))
    close(found.regions, losses)
    close(found.map, oracles.spread_by_loops(losses, masks))


@pytest.mark.parametrize("masks", SIDES)
def test_occlusion_of_regions_in_each_channel_equals_its_oracle(masks):
    found = find_method("occlusion").found(KNOWN, {"regions": masks, "channels": "each"})
    cover = np.zeros(SHAPE)
    losses = [oracles.losses_by_loops(ACTIVATION, HEAD.score, cover, masks, [m]) for m in range(3)]
    close(found.map, [oracles.spread_by_loops(own, masks) for own in losses])
    close(found.regions, np.sum(losses, axis=0))


def test_occlusion_of_windows_in_each_channel_equals_its_oracle():
    options = {"window": 2, "stride": 1, "channels": "each"}
    found = find_method("occlusion")(KNOWN, options)
    for m in range(3):
        cover = ACTIVATION.copy()
        cover[m] = 0
        wanted = oracles.occlusion_by_loops(ACTIVATION, HEAD.score, cover, window=2, stride=1)
        close(found[m], wanted)


@pytest.mark.parametrize("name", ["window", "stride"])
def test_windows_beside_regions_are_refused(name):
    with pytest.raises(BadOption, match=f"in the place of {name}=2"):
        find_method("occlusion")(KNOWN, {"regions": LABELS, name: 2})


@pytest.mark.parametrize("masks", SIDES)
def test_rise_of_regions_equals_its_oracle_on_what_it_showed(masks):
    HEAD.seen.clear()
    found = find_method("rise").found(KNOWN, {"regions": masks, "samples": 60, "fill": 0.25})
    seen, scores = HEAD.seen[:60], [HEAD.score(a) for a in HEAD.seen[:60]]
    at = np.abs(ACTIVATION - 0.25).argmax(axis=0)[None]
    shown = np.take_along_axis(ACTIVATION, at, 0)[0] - 0.25
    visible = [(np.take_along_axis(a, at, 0)[0] - 0.25) / shown for a in seen]
    covered = np.any(masks > 0, axis=0)
    wanted = oracles.rise_by_loops(visible, scores)
    np.testing.assert_allclose(found.map, wanted, atol=2e-4 * np.abs(wanted).max())
    assert all(np.allclose(own[~covered], 1, atol=1e-5) for own in visible)
    own = [(found.map * mask).sum() / mask.sum() for mask in masks]
    close(found.regions, own)


def regions_seen(name):
    """Of a picture that is 1 everywhere: how much of each region, none of which touches another,
    each run showed."""
    head = ToyHead((1, 5, 7))
    flat = Evidence(activation=np.ones((1, 5, 7), np.float32), head=head)
    found = find_method(name).found(flat, {"regions": LABELS, "samples": 24})
    beside = LABELS.max(axis=0) == 0
    rows = []
    for seen in head.seen:
        assert (seen[0][beside] == 1).all()
        rows.append([float(seen[0][mask > 0][0]) for mask in LABELS])
        for mask, value in zip(LABELS, rows[-1], strict=True):
            np.testing.assert_allclose(seen[0][mask > 0], value, atol=1e-6)
    scores = {tuple(row): head.score(seen) for row, seen in zip(rows, head.seen, strict=True)}
    return found, rows, scores


def test_sobol_of_regions_equals_its_oracle_on_its_own_designs():
    found, rows, scores = regions_seen("sobol")
    assert len(rows) == 24 * (3 + 2)
    wanted = oracles.sobol_by_loops(rows[:24], rows[24:48], lambda row: scores[tuple(row)])
    np.testing.assert_allclose(found.regions, wanted, atol=1e-4 * max(wanted))
    close(found.map, oracles.spread_by_loops(found.regions, LABELS))


def test_hsic_of_regions_equals_its_oracle_on_its_own_masks():
    found, rows, scores = regions_seen("hsic")
    assert {value for row in rows for value in row} == {0.0, 1.0}
    values = [float(np.float32(scores[tuple(row)])) for row in rows]
    wanted = oracles.hsic_by_matrices(rows, values)
    np.testing.assert_allclose(found.regions, wanted, atol=1e-4 * max(wanted))
    close(found.map, oracles.spread_by_loops(found.regions, LABELS))


ADDING = ["gradient", "input_x_gradient", "integrated_gradients", "guided_ig"]
STRONGEST = ["saliency", "smoothgrad", "vargrad"]


@pytest.mark.parametrize("name", ADDING + STRONGEST)
def test_each_channel_is_what_the_joined_map_is_made_of(name):
    joined = find_method(name)(KNOWN)
    each = find_method(name)(KNOWN, {"channels": "each"})
    assert each.shape == SHAPE
    assert each.dtype == np.float32
    close(joined, each.sum(0) if name in ADDING else each.max(0))


def test_each_channel_of_the_gradient_is_its_own():
    each = {"channels": "each"}
    np.testing.assert_array_equal(find_method("gradient")(KNOWN, each), KNOWN.gradient)
    np.testing.assert_array_equal(find_method("saliency")(KNOWN, each), np.abs(KNOWN.gradient))
    own = KNOWN.gradient * ACTIVATION
    np.testing.assert_array_equal(find_method("input_x_gradient")(KNOWN, each), own)


@pytest.mark.parametrize("masks", SIDES)
def test_xrai_of_regions_equals_its_oracle(masks):
    options = {"steps": 9, "regions": masks}
    found = find_method("xrai").found(KNOWN, options)
    free = find_method("integrated_gradients")
    ends = [getattr(ACTIVATION, end)(axis=(1, 2)) for end in ("min", "max")]
    ways = [
        free(KNOWN, {"steps": 9, "baseline": np.broadcast_to(end[:, None, None], SHAPE)})
        for end in ends
    ]
    added = np.mean(np.array(ways, np.float64), axis=0)
    own = [{*np.flatnonzero(mask.ravel() >= 0.5)} for mask in masks]
    nowhere = {*range(added.size)} - set().union(*own)
    wanted = oracles.xrai_by_loops(added, [[*own]], 0, 1).ravel()
    wanted[list(nowhere)] = 0
    close(found.map.ravel(), wanted)
    close(found.regions, [(found.map * mask).sum() / mask.sum() for mask in masks])
