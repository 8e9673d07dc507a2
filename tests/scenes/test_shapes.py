"""Distances, patterns and chance: compared with what they are by definition."""

import math

import numpy as np
import pytest

from xai_heatmap.scenes import shapes, textures
from xai_heatmap.scenes.dice import Dice, cosine, sine

LINE = np.linspace(-1.5, 1.5, 121, dtype=np.float32)
U, V = np.meshgrid(LINE, LINE)


def along(edge):
    """The points of the plane nearest to a curve, by trying all of them."""
    gap = np.hypot(U[..., None] - edge[:, 0], V[..., None] - edge[:, 1])
    return gap.min(axis=-1)


def round_the_clock(a, b, turns=0.0):
    t = np.linspace(0, 2 * np.pi, 720)
    c, s = np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)
    x, y = a * np.cos(t), b * np.sin(t)
    return np.stack([x * c - y * s, x * s + y * c], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("turns", [0.0, 0.1, -0.23])
def test_an_ellipse_is_bounded_by_its_curve(turns):
    distance = shapes.ellipse(U, V, (0, 0), (0.9, 0.5), turns=turns)
    true = along(round_the_clock(0.9, 0.5, turns))
    near = true < 0.1
    assert np.abs(np.abs(distance) - true)[near].max() < 0.02
    assert distance[60, 60] <= 0 < distance[0, 0]


@pytest.mark.slow
def test_a_disc_and_a_capsule_measure_exactly():
    np.testing.assert_allclose(
        shapes.disc(U, V, (0.2, -0.1), 0.4), np.hypot(U - 0.2, V + 0.1) - 0.4, atol=1e-6
    )
    spine = np.linspace((-0.5, 0.2), (0.6, -0.3), 2000)
    np.testing.assert_allclose(
        shapes.capsule(U, V, (-0.5, 0.2), (0.6, -0.3), 0.1), along(spine) - 0.1, atol=1e-3
    )


def test_a_capsule_tapers_to_its_tip():
    distance = shapes.capsule(U, V, (-1, 0), (1, 0), 0.4, 0.1)
    column = {x: int(np.count_nonzero(distance[:, np.abs(LINE - x).argmin()] < 0)) for x in (-1, 1)}
    assert column[-1] > 3 * column[1]


def test_a_box_and_a_polygon_agree_where_they_are_the_same():
    corners = [(-0.6, -0.3), (0.6, -0.3), (0.6, 0.3), (-0.6, 0.3)]
    inside = (np.abs(U) < 0.6) & (np.abs(V) < 0.3)
    assert ((shapes.box(U, V, (0, 0), (0.6, 0.3)) < 0) == inside).all()
    assert ((shapes.convex(U, V, corners) < 0) == inside).all()


def test_a_rounded_box_loses_its_corners_only():
    sharp, soft = (shapes.box(U, V, (0, 0), (0.6, 0.4), corner=c) < 0 for c in (0.0, 0.2))
    lost = sharp & ~soft
    assert lost.any()
    assert not (soft & ~sharp).any()
    assert (np.abs(U[lost]) > 0.4).all()
    assert (np.abs(V[lost]) > 0.2).all()


def test_a_fillet_only_adds():
    a, b = shapes.disc(U, V, (-0.3, 0), 0.4), shapes.disc(U, V, (0.3, 0), 0.4)
    assert (shapes.fused(a, b, 0.2) <= shapes.either(a, b)).all()
    assert (shapes.fused(a, b, 0.2) < shapes.either(a, b)).any()
    assert (shapes.both(a, b) == np.maximum(a, b)).all()


@pytest.mark.parametrize("kind", textures.PATTERNS[1:])
def test_patterns_repeat_and_have_both_colours(kind):
    share = textures.pattern(kind, U, V, period=0.6, pixel=0.01)
    assert share.min() == 0
    assert share.max() == 1
    assert 0.1 < share.mean() < 0.9
    moved = textures.pattern(kind, U, V + np.float32(1.2), period=0.6, pixel=0.01)
    assert np.mean(np.abs(share - moved) > 0.5) < 0.02


def test_a_plain_pattern_takes_nothing():
    assert textures.pattern("plain", U, V, period=0.6, pixel=0.01) == 0


def test_noise_passes_through_its_grid_and_stays_between():
    rows = np.arange(4, dtype=np.float32)
    grid = Dice(3, 0).grid(5, 5)
    np.testing.assert_array_equal(textures.noise(Dice(3, 0), rows, rows), grid[:4, :4])
    fine = np.linspace(0, 3, 50, dtype=np.float32)
    values = textures.noise(Dice(3, 0), fine, fine)
    assert values.min() >= grid.min() - 1e-6
    assert values.max() <= grid.max() + 1e-6
    assert np.abs(np.diff(values)).max() < 0.15


def test_sine_is_the_sine():
    turns = np.linspace(-3, 3, 1001)
    for t in turns:
        assert sine(float(t)) == pytest.approx(math.sin(2 * math.pi * t), abs=2e-7)
        assert cosine(float(t)) == pytest.approx(math.cos(2 * math.pi * t), abs=2e-7)


def test_streams_differ_by_seed_and_by_purpose():
    streams = [(1, 0), (1, 1), (2, 0), (2**32 + 1, 0)]
    first = [Dice(*stream).between(0, 1) for stream in streams]
    assert len(set(first)) == len(first)
    assert first == [Dice(*stream).between(0, 1) for stream in streams]


def test_dice_fall_where_they_may():
    dice = Dice(5, 5)
    assert {dice.below(3) for _ in range(100)} == {0, 1, 2}
    assert {dice.one_of("ab") for _ in range(100)} == {"a", "b"}
    assert 0.2 < np.mean([dice.chance(0.3) for _ in range(1000)]) < 0.4
    assert all(2 <= dice.between(2, 3) < 3 for _ in range(100))
