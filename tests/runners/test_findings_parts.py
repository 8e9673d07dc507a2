"""Pieces, groups and changed inputs of findings, beside slow versions of the same."""

import numpy as np
import pytest

from xai_heatmap.runners.findings import grouping
from xai_heatmap.runners.findings.changing import hidden, pasted
from xai_heatmap.runners.findings.choosing import named
from xai_heatmap.runners.findings.pieces import (
    MOST,
    WEAKEST,
    Window,
    coldest,
    elsewhere,
    heat_of,
    pieces,
    side,
    window_sums,
)


@pytest.fixture
def chance():
    return np.random.default_rng(5)


def test_sums_of_windows_are_those_of_their_places(chance):
    heat = chance.random((7, 16))
    sums = window_sums(heat)
    rows, columns = side(7), side(16)
    assert sums.shape == (7 - rows + 1, 16 - columns + 1)
    for top, left in np.ndindex(sums.shape):
        own = Window(top, left, rows, columns).of(heat)
        assert own.shape == (rows, columns)
        assert sums[top, left] == pytest.approx(own.sum())


def test_pieces_are_the_hottest_windows_and_lie_apart(chance):
    heat = heat_of((chance.random((12, 12)) ** 6 - 0.1).astype(np.float32))
    found = pieces(heat)
    assert 1 < len(found) <= MOST
    assert found[0].heat == pytest.approx(window_sums(heat).max())
    for place, one in enumerate(found):
        assert one.heat == pytest.approx(one.window.of(heat).sum())
        assert one.heat >= WEAKEST * found[0].heat
        assert not any(one.window.meets(other.window) for other in found[:place])
    assert pieces(np.zeros((4, 4))) == []
    assert len(pieces(heat_of(np.pad(np.ones((1, 1), np.float32), ((0, 7), (0, 7)))))) == 1


def test_evidence_against_is_no_heat():
    assert heat_of(np.float32([[-3.0, 1.0], [1.0, 0.0]])).tolist() == [[0, 0.5], [0.5, 0]]
    assert not heat_of(np.float32([[-3.0, -1.0]])).any()
    assert not heat_of(np.float32([[np.inf, 1.0]])).any()


def test_other_places_avoid_what_they_are_held_against(chance):
    heat = chance.random((8, 8))
    avoided = [Window(0, 0, 2, 2), Window(5, 5, 2, 2)]
    places = {(own.top, own.left) for own in (elsewhere(heat, avoided, chance) for _ in range(400))}
    every = {
        (top, left)
        for top, left in np.ndindex(7, 7)
        if not any(Window(top, left, 2, 2).meets(own) for own in avoided)
    }
    assert places == every
    cold = coldest(heat, avoided, chance)
    assert cold.of(heat).sum() == pytest.approx(
        min(Window(top, left, 2, 2).of(heat).sum() for top, left in every)
    )
    assert elsewhere(heat[:1, :1], [Window(0, 0, 1, 1)], chance) is None


@pytest.mark.parametrize(("grid", "pixels"), [((7, 7), (224, 224)), ((5, 9), (23, 40))])
def test_windows_of_one_size_stay_so_in_pixels(grid, pixels):
    rows, columns = side(grid[0]), side(grid[1])
    sizes = set()
    for top, left in np.ndindex(grid[0] - rows + 1, grid[1] - columns + 1):
        own = Window(top, left, rows, columns).drawn_out(grid, pixels)
        sizes.add((own.height, own.width))
        assert 0 <= own.top <= pixels[0] - own.height
        assert abs(own.top - top * pixels[0] / grid[0]) <= 1
        assert abs(own.left - left * pixels[1] / grid[1]) <= 1
    assert len(sizes) == 1


def slowly(x, window):
    """Each place: what lies beside the window in its row and column, the heavier the nearer."""
    found = x.copy()
    bottom, right = window.top + window.height, window.left + window.width
    for channel, row, column in np.ndindex(x.shape):
        if not (window.top <= row < bottom and window.left <= column < right):
            continue
        around = [
            (x[channel, window.top - 1, column], row - window.top + 1) if window.top else None,
            (x[channel, bottom, column], bottom - row) if bottom < x.shape[1] else None,
            (x[channel, row, window.left - 1], column - window.left + 1) if window.left else None,
            (x[channel, row, right], right - column) if right < x.shape[2] else None,
        ]
        known = [own for own in around if own]
        found[channel, row, column] = sum(v / far for v, far in known) / sum(
            1 / far for _, far in known
        )
    return found


@pytest.mark.parametrize("window", [Window(2, 3, 3, 4), Window(0, 0, 2, 3), Window(5, 4, 4, 5)])
def test_what_is_hidden_is_filled_in_from_around_it(chance, window):
    x = chance.random((2, 9, 9)).astype(np.float32)
    found = hidden(x, [window])
    assert np.allclose(found, slowly(x, window), atol=1e-6)
    other = x.copy()
    window.of(other)[...] = 99
    assert np.array_equal(hidden(other, [window]), found)
    flat = np.full((1, 9, 9), 0.25, np.float32)
    assert np.allclose(hidden(flat, [window]), flat)
    assert np.allclose(hidden(x, [Window(0, 0, 9, 9)]), x.mean((1, 2), keepdims=True))


def test_a_piece_is_put_where_it_is_said(chance):
    x, what = chance.random((1, 6, 6)).astype(np.float32), np.ones((1, 2, 2), np.float32)
    before = x.copy()
    found = pasted(x, Window(1, 3, 2, 2), what)
    assert np.array_equal(x, before)
    assert (found != x).sum() == 4
    assert (found[0, 1:3, 3:5] == 1).all()


def slow_ward(points):
    """Heights at which the two groups that raise the sum of squares least are joined."""
    clusters = [[k] for k in range(len(points))]
    heights = []

    def cost(a, b):
        one, two = points[a].mean(0), points[b].mean(0)
        return 2 * len(a) * len(b) / (len(a) + len(b)) * ((one - two) ** 2).sum()

    while len(clusters) > 1:
        pairs = [(cost(a, b), i, j) for i, a in enumerate(clusters)
                 for j, b in enumerate(clusters) if i < j]  # fmt: skip
        height, i, j = min(pairs)
        heights.append(height)
        clusters[i] += clusters.pop(j)
    return heights


def test_the_tree_is_wards(chance):
    points = chance.random((14, 3))
    merges = grouping._tree(grouping._squared(points))
    assert np.allclose(sorted(own[0] for own in merges), sorted(slow_ward(points)))


def test_silhouettes_are_rousseeuws(chance):
    points, cut = chance.random((12, 2)), np.array([0, 1, 2] * 3 + [0, 1, 1])
    far = np.sqrt(grouping._squared(points))
    values = []
    for k, own in enumerate(cut):
        a = np.mean([far[k, j] for j in range(12) if cut[j] == own and j != k])
        b = min(np.mean([far[k, j] for j in range(12) if cut[j] == c]) for c in set(cut) - {own})
        values.append((b - a) / max(a, b))
    assert grouping._silhouette(far, cut, 3) == pytest.approx(np.mean(values))


def test_what_looks_alike_is_one_group_and_what_does_not_is_several(chance):
    centres = np.eye(5)[[0] * 20 + [1] * 12 + [2] * 9]
    features = grouping.projected(centres + chance.normal(0, 0.05, centres.shape))
    found = grouping.groups(features, chance.random((41, 2)))
    kinds = [set(found[part].tolist()) for part in (slice(20), slice(20, 32), slice(32, 41))]
    assert not kinds[0] & kinds[1]
    assert not (kinds[0] | kinds[1]) & kinds[2]
    assert len(set.union(*kinds)) <= grouping.MOST
    cloud = grouping.projected(chance.normal(0, 1, (40, 12)))
    assert set(grouping.groups(cloud, chance.random((40, 2))).tolist()) == {0}
    assert grouping.groups(cloud[:2], np.zeros((2, 2))).tolist() == [0, 0]


def test_where_pieces_lie_parts_what_looks_the_same():
    features = np.ones((30, 3)) / np.sqrt(3)
    middles = np.repeat([[0.1, 0.1], [0.9, 0.9]], 15, axis=0)
    found = grouping.groups(features, middles)
    assert set(found[:15]) != set(found[15:])


def test_many_features_keep_their_distances(chance):
    features = np.abs(chance.normal(0, 1, (30, 2000)))
    short = grouping.projected(features)
    assert short.shape == (30, grouping.LENGTH)
    assert np.linalg.norm(short, axis=1) == pytest.approx(np.ones(30), abs=0.4)
    same = grouping.projected(np.concatenate([features[:1], 3 * features[:1]]))
    assert np.allclose(same[0], same[1])


def test_names_with_commas_are_told_apart():
    assert named(["cat", "dog"]) == "cat, dog"
    assert named(["goldfish, Carassius auratus", "cock"]) == "goldfish, Carassius auratus; cock"
    assert named([str(number) for number in range(14)]).endswith("10, 11 and others")
