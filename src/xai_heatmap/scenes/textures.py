"""Patterns over u and v: how much of a second colour each pixel takes, in [0, 1]."""

import numpy as np

from xai_heatmap.core.shapes import Float32
from xai_heatmap.scenes.dice import Dice, Number
from xai_heatmap.scenes.shapes import Field

Line = Float32[np.ndarray, " l"]

PATTERNS = ("plain", "stripes", "dots", "checks", "zigzag")


def pattern(kind: str, u: Field, v: Field, *, period: Number, pixel: Number) -> Field | float:
    """Pattern of a kind among ``PATTERNS``; edges are as wide as a pixel."""
    if kind == "plain":
        return 0.0
    return {"stripes": stripes, "dots": dots, "checks": checks, "zigzag": zigzag}[kind](
        u, v, period, pixel
    )


def stripes(u: Field, v: Field, period: Number, pixel: Number) -> Field:
    """Bands across v, as broad as the gaps between them."""
    return edged((0.25 - triangle(v / period)) * period, pixel)


def dots(u: Field, v: Field, period: Number, pixel: Number) -> Field:
    """Discs in rows, every second row moved by half."""
    row = np.floor(v / period)
    shifted = u / period + 0.5 * (row - 2 * np.floor(row / 2))
    x, y = shifted - np.floor(shifted) - 0.5, v / period - row - 0.5
    return edged((np.sqrt(x * x + y * y) - 0.27) * period, pixel)


def checks(u: Field, v: Field, period: Number, pixel: Number) -> Field:
    """A chessboard."""
    a, b = 0.25 - triangle(u / period), 0.25 - triangle(v / period)
    away = np.minimum(np.abs(a), np.abs(b)) * period
    return edged(np.where((a < 0) == (b < 0), -away, away), pixel)


def zigzag(u: Field, v: Field, period: Number, pixel: Number) -> Field:
    """Bands that go up and down."""
    return stripes(u, v + period * triangle(u / (1.3 * period)), period, pixel)


def scales(u: Field, v: Field, period: Number, pixel: Number) -> Field:
    """The shaded rims of overlapping scales."""
    row = np.floor(u / (0.6 * period))
    shifted = v / period + 0.5 * (row - 2 * np.floor(row / 2))
    x, y = u / period - 0.6 * row, shifted - np.floor(shifted) - 0.5
    away = np.abs(np.sqrt(x * x + y * y) - 0.45) - 0.07
    return edged(away * period, pixel)


def edged(distance: Field, pixel: Number) -> Field:
    """1 inside, 0 outside, and a slope of one pixel between them."""
    return np.minimum(np.maximum(0.5 - distance / pixel, 0), 1)


def triangle(t: Field) -> Field:
    """0 where t is whole, ½ halfway between, straight lines between them."""
    return np.abs(t - np.floor(t + 0.5))


def wave(t: Field) -> Field:
    """A smooth wave of period 1 in [-1, 1]: z (3 - z²) / 2 of the triangle z."""
    z = 1 - 4 * triangle(t)
    return z * (1.5 - 0.5 * z * z)


def noise(dice: Dice, rows: Float32[np.ndarray, " h"], columns: Float32[np.ndarray, " w"]) -> Field:
    """Smooth chance in [0, 1): a random number where both coordinates are whole.

    `rows` and `columns` are coordinates from 0 up, of each row and of each column.
    """
    grid = dice.grid(int(rows[-1]) + 2, int(columns[-1]) + 2)
    above, down = _place(rows)
    left, right = _place(columns)
    across = grid[:, left]
    across += (grid[:, left + 1] - across) * right
    value = across[above]
    value += (across[above + 1] - value) * down[:, None]
    return value


def _place(t: Line) -> tuple[np.ndarray, Line]:
    whole = np.floor(t)
    part = t - whole
    return whole.astype(np.intp), part * part * (3 - 2 * part)


def ramp(count: int, cells: Number) -> Line:
    """Coordinates from 0 to `cells` of `count` pixels, taken at their centres."""
    return (np.arange(count, dtype=np.float32) + np.float32(0.5)) * np.float32(cells / count)


def clouds(dice: Dice, shape: tuple[int, int], cells: Number, octaves: int) -> Field:
    """Noise upon noise, each twice as fine and half as strong, in [0, 1)."""
    total, weight = np.zeros(shape, np.float32), 0.0
    for octave in range(octaves):
        fine, strength = cells * 2**octave, 0.5**octave
        shorter = min(shape)
        rows = ramp(shape[0], fine * shape[0] / shorter)
        columns = ramp(shape[1], fine * shape[1] / shorter)
        total += noise(dice, rows, columns) * np.float32(strength)
        weight += strength
    return total / np.float32(weight)
