import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xai_heatmap.render.colour import difference, lab

PAIRS = """
50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""
"""Pairs of L*a*b* and how far apart they look: the test data of Sharma, Wu and Dalal 2005."""


def by_hand(first, second):
    """CIEDE2000 once more, one pair at a time, its steps one below the other."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1 = math.degrees(math.atan2(b1, a1)) % 360 if c1 else 0.0
    h2 = math.degrees(math.atan2(b2, a2)) % 360 if c2 else 0.0
    step = h2 - h1
    if c1 * c2 == 0:
        step, middle = 0.0, h1 + h2
    elif abs(step) <= 180:
        middle = (h1 + h2) / 2
    else:
        step = step - 360 if step > 180 else step + 360
        middle = (h1 + h2 + 360) / 2 if h1 + h2 < 360 else (h1 + h2 - 360) / 2
    turned = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(step) / 2)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    t = 1.0
    for weight, times, shift in ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.2, 4, -63)):
        t += weight * math.cos(math.radians(times * middle + shift))
    sl = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    rc = 2 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    rt = -rc * math.sin(math.radians(60 * math.exp(-(((middle - 275) / 25) ** 2))))
    dl, dc, dh = (l2 - l1) / sl, (c2 - c1) / sc, turned / sh
    return math.sqrt(max(dl * dl + dc * dc + dh * dh + rt * dc * dh, 0))


@pytest.mark.parametrize("line", PAIRS.split("\n")[1:-1])
def test_published_pairs(line):
    *colours, wanted = map(float, line.split())
    first, second = np.array(colours[:3]), np.array(colours[3:])
    assert float(difference(first, second)) == pytest.approx(wanted, abs=5e-5)
    assert by_hand(first, second) == pytest.approx(wanted, abs=5e-5)


@given(*[st.tuples(st.floats(0, 100), st.floats(-100, 100), st.floats(-100, 100))] * 2)
def test_agrees_with_the_slow_formula(first, second):
    found = float(difference(np.array(first), np.array(second)))
    assert found == pytest.approx(by_hand(first, second), abs=1e-6)


@pytest.mark.parametrize(
    ("rgb", "wanted"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((128, 128, 128), (53.585, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
    ],
)
def test_known_colours(rgb, wanted):
    np.testing.assert_allclose(lab(np.array(rgb, np.uint8)), wanted, atol=0.06)


def test_pictures_are_compared_pixel_by_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    found = difference(*lab(pixels))
    assert found.shape == (5, 4)
    assert found[3, 2] == pytest.approx(by_hand(*lab(pixels[:, 3, 2])), abs=1e-9)


def test_levels_of_a_picture_are_looked_up_to_the_same_numbers():
    rgb = np.random.default_rng(0).integers(0, 256, (40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(lab(rgb), lab(rgb.astype(np.float32)))
