"""Colour difference (CIEDE2000), by L*a*b*."""

import numpy as np

from xai_heatmap.core.shapes import Float64, Shaped

Lab = Float64[np.ndarray, "*any 3"]
"""CIE L*a*b* under D65: lightness 0 to 100, green to red, blue to yellow."""

WHITE = np.array([0.4124 + 0.3576 + 0.1805, 1.0, 0.0193 + 0.1192 + 0.9505])
"""What sRGB's own white is in XYZ, so that greys have neither a nor b."""

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
"""From linear sRGB (IEC 61966-2-1)."""

FAR = 25.0**7
"""The chroma from which on blue and grey are corrected no further, to the seventh power."""


def _linear(levels: Shaped[np.ndarray, "*any"]) -> Float64[np.ndarray, "*any"]:
    """sRGB levels as shares of light."""
    share = np.asarray(levels, np.float64) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


LINEAR = _linear(np.arange(256))
"""Shares of light of all the levels of a picture: powers take most of the time otherwise."""


def lab(rgb: Shaped[np.ndarray, "*any 3"]) -> Lab:
    """sRGB levels, 0 to 255, as L*a*b*."""
    levels = np.asarray(rgb)
    linear = LINEAR[levels] if levels.dtype == np.uint8 else _linear(levels)
    xyz = linear @ TO_XYZ.T / WHITE
    bent = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(bent, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def difference(first: Lab, second: Lab) -> Float64[np.ndarray, "*any"]:
    """CIEDE2000: how far apart two colours look; about 1 is just seen, 20 at a glance.

    Luo, Cui and Rigg 2001, with the angles as Sharma, Wu and Dalal 2005 make them unambiguous.
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(np.asarray(own), -1, 0) for own in (first, second))
    seventh = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(seventh / (seventh + FAR))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    grey = c1 * c2 == 0
    apart = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    apart = np.where(~grey & (h2 - h1 == 180), 180.0, apart)  # the way round is as long
    around = np.abs(h1 - h2) > 180
    middle = (h1 + h2 + np.where(around, np.where(h1 + h2 < 360, 360, -360), 0)) / 2
    middle = np.where(grey, h1 + h2, middle)
    chroma, light = (c1 + c2) / 2, (l1 + l2) / 2
    of_lightness = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    of_hue = 1 + 0.015 * chroma * _by_hue(middle)
    turn = 30 * np.exp(-(((middle - 275) / 25) ** 2))
    seventh = chroma**7
    twist = -2 * np.sqrt(seventh / (seventh + FAR)) * np.sin(np.radians(2 * turn))
    lightness = (l2 - l1) / of_lightness
    colourful = (c2 - c1) / (1 + 0.045 * chroma)
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(apart / 2)) / of_hue
    squared = lightness**2 + colourful**2 + hue**2 + twist * colourful * hue
    return np.asarray(np.sqrt(np.maximum(squared, 0)))


def _by_hue(angle: Float64[np.ndarray, "*any"]) -> Float64[np.ndarray, "*any"]:
    """Weight of a difference of hue, by the mean hue in degrees (the T of CIEDE2000)."""
    turn = np.radians(angle)
    return np.asarray(
        1
        - 0.17 * np.cos(turn - np.radians(30))
        + 0.24 * np.cos(2 * turn)
        + 0.32 * np.cos(3 * turn + np.radians(6))
        - 0.20 * np.cos(4 * turn - np.radians(63))
    )
