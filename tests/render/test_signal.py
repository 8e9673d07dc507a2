import numpy as np
import pytest

from xai_heatmap.core.errors import BadArray
from xai_heatmap.render.colormaps import named
from xai_heatmap.render.page import INK, PAPER
from xai_heatmap.render.signal import MOST, RIBBON, WIDE, signal, ticks


def wave(channels=1, length=400):
    time = np.arange(length)
    return np.stack([np.sin(time / (9 + c)) for c in range(channels)]).astype(np.float32)


def hot(length, start, stop, value=1.0):
    heat = np.zeros(length, np.float32)
    heat[start:stop] = value
    return heat


def ribbon(picture):
    """The row in the middle of the bar of heat, from the first sample to the last."""
    left, foot = picture.shape[1] - 2 * 18 - WIDE, picture.shape[0] - 3 * 18
    return picture[foot - RIBBON // 2, left : left + WIDE]


@pytest.mark.parametrize("length", [400, 1200, 100_000])
def test_heat_is_drawn_where_its_samples_are(length):
    picture = signal(wave(length=length), hot(length, length // 2, 3 * length // 4))
    row = ribbon(picture)
    full, nothing = named("inferno").table[255], named("inferno").table[0]
    margin = 6
    np.testing.assert_array_equal(row[: WIDE // 2 - margin], np.tile(nothing, (594, 1)))
    inside = row[WIDE // 2 + margin : 3 * WIDE // 4 - margin]
    np.testing.assert_array_equal(inside, np.tile(full, (len(inside), 1)))
    np.testing.assert_array_equal(row[3 * WIDE // 4 + margin :], np.tile(nothing, (294, 1)))


def test_a_single_hot_sample_of_a_long_signal_is_seen():
    row = ribbon(signal(wave(length=100_000), hot(100_000, 41_234, 41_235)))
    bright = np.flatnonzero((row == named("inferno").table[255]).all(axis=-1))
    assert len(bright) == 3
    assert abs(bright.mean() - 41_234 / 100_000 * WIDE) <= 1


def test_evidence_against_has_its_own_colour_however_narrow():
    heat = hot(50_000, 20_000, 20_001, -0.9) + hot(50_000, 30_000, 30_001, 0.5)
    row = ribbon(signal(wave(length=50_000), heat, colormap="bluered")).astype(int)
    blue, red = row[480], row[720]
    assert blue[2] > blue[0] + 100
    assert red[0] > red[2] + 50


def test_the_line_follows_the_signal():
    step = np.where(np.arange(400) < 200, 0, 1)[None].astype(np.float32)
    picture = signal(step, np.zeros(400, np.float32))
    left = picture.shape[1] - 2 * 18 - WIDE
    plot = picture[9 : 9 + 280, left : left + WIDE].astype(int).sum(axis=-1)
    white = plot == 3 * 255
    low, high = (np.flatnonzero(white[:, at]).mean() for at in (300, 900))
    assert low > 260
    assert high < 20


def test_more_samples_than_pixels_are_drawn_by_their_highest_and_lowest():
    spiked = np.zeros((1, 100_000), np.float32)
    spiked[0, 70_001] = 1
    picture = signal(spiked, np.zeros(100_000, np.float32))
    left = picture.shape[1] - 2 * 18 - WIDE
    plot = picture[9 : 9 + 280, left : left + WIDE].astype(int).sum(axis=-1)
    reached = np.flatnonzero(plot[20:100].max(axis=0) > 600)
    assert len(reached)
    assert abs(reached.mean() - 0.7 * WIDE) <= 2


@pytest.mark.slow
def test_every_channel_has_its_lane_and_of_many_some_are_drawn():
    heat = np.zeros(400, np.float32)
    heights = [signal(wave(c), heat).shape[0] for c in (1, 2, 3, 12, MOST)]
    assert heights == sorted(set(heights))
    assert signal(wave(64), heat).shape[0] == heights[-1]
    flat = np.zeros((2, 400), np.float32)
    assert signal(flat, heat).shape[1] >= WIDE


def test_colormap_opacity_and_mark_are_obeyed():
    signal_, heat = wave(), hot(400, 100, 200)
    usual = signal(signal_, heat)
    assert (usual != signal(signal_, heat, colormap="viridis")).any()
    faint = signal(signal_, heat, alpha=0.0)
    assert (usual != faint).any()
    bare = signal(signal_, np.zeros(400, np.float32), alpha=0.0)
    np.testing.assert_array_equal(faint[:250], bare[:250])
    marked = signal(signal_, heat, marked=True)
    rows = np.flatnonzero((marked != usual).any(axis=(1, 2)))
    assert rows.size
    assert rows.min() > 9 + 280 - 10, "the mark is at the foot of the lanes"


def test_a_diverging_map_is_drawn_on_paper_and_another_on_ink():
    heat = np.zeros(400, np.float32)
    dark, light = (
        signal(wave(), heat, alpha=0.0),
        signal(wave(), heat, alpha=0.0, colormap="bluered"),
    )
    at = (9 + 3, dark.shape[1] - 2 * 18 - WIDE // 2)
    np.testing.assert_array_equal(dark[at], INK)
    np.testing.assert_array_equal(light[at], PAPER)


@pytest.mark.parametrize("length", [1, 2, 9, 10, 11, 999, 12345, 10**7])
def test_ticks_are_few_and_round(length):
    places = list(ticks(length))
    assert 1 <= len(places) <= 11
    assert places[0] == 0
    assert places[-1] < length
    assert all(str(place).rstrip("0") in {"", *map(str, range(1, 100))} for place in places)


def test_a_heat_of_another_length_is_refused(unchecked):
    with pytest.raises(BadArray, match="400 and a heat of 300"):
        signal(wave(), np.zeros(300, np.float32))
