"""Eight textured grounds that things lie on, and the light over all of it."""

import numpy as np

from xai_heatmap.core.arrays import Image
from xai_heatmap.scenes.colours import BACKGROUNDS, INK, WHITE, Colour, mixed, several
from xai_heatmap.scenes.dice import Dice, Number, cosine, sine
from xai_heatmap.scenes.patch import Canvas
from xai_heatmap.scenes.shapes import Field
from xai_heatmap.scenes.textures import clouds, edged, noise, pattern, ramp, triangle, wave

Size = tuple[int, int]


def ground(dice: Dice, size: Size) -> Canvas:
    """Ground of one kind, in one pair of that kind's colours, by chance."""
    kind = dice.one_of(tuple(DRAWN))
    first, second = several(dice.one_of(BACKGROUNDS[kind]))
    return np.ascontiguousarray(DRAWN[kind](dice, size, first, second), np.float32)


def _meadow(dice: Dice, size: Size, first: Colour, second: Colour) -> Canvas:
    patches = clouds(dice, size, 2.5, 2)
    blades = noise(dice, ramp(size[0], 26), ramp(size[1], 64))
    lawn = mixed(first, second, 0.65 * patches + 0.45 * blades)
    for tint in (WHITE, mixed(INK, first, 0.5)):
        tuft = noise(dice, ramp(size[0], 15), ramp(size[1], 30))
        lawn = mixed(lawn, tint, 0.35 * np.maximum(tuft - 0.72, 0))
    return lawn


def _sand(dice: Dice, size: Size, first: Colour, second: Colour) -> Canvas:
    v = _turned(dice, size)[1]
    dunes = clouds(dice, size, 2, 2)
    ripples = wave(v * dice.between(3, 6) + 2.2 * dunes)
    return mixed(first, second, 0.5 * dunes + 0.14 * ripples + 0.28)


def _planks(dice: Dice, size: Size, first: Colour, second: Colour) -> Canvas:
    u, v = _turned(dice, size)
    wide = dice.between(0.22, 0.36)
    t = v / wide + 10
    board = np.floor(t)
    shades = dice.grid(1, 32)[0][(board.astype(np.intp)) % 32]
    bow = clouds(dice, size, 2.5, 1)
    grain = wave(t * 3.1 + 5 * shades + 1.8 * bow + 0.25 * wave(2.3 * u + 4 * shades))
    wood = mixed(first, second, 0.2 + 0.5 * shades + 0.11 * grain)
    seam = edged(triangle(t) * wide - 0.006, 1.5 / min(size))
    return mixed(wood, mixed(first, INK, 0.6), 0.8 * seam)


def _tiles(dice: Dice, size: Size, first: Colour, second: Colour) -> Canvas:
    u, v = _turned(dice, size)
    wide = dice.between(0.2, 0.34)
    a, b = u / wide + 20, v / wide + 20
    shades = dice.grid(16, 16)[np.floor(a).astype(np.intp) % 16, np.floor(b).astype(np.intp) % 16]
    if dice.chance(0.4):
        chess = np.floor(a) + np.floor(b)
        shades = 0.4 * shades + 0.6 * (chess - 2 * np.floor(chess / 2))
    stone = mixed(first, second, (shades + 0.25 * clouds(dice, size, 5, 2)).clip(0, 1))
    away = np.minimum(triangle(a), triangle(b)) * wide - 0.008
    return mixed(stone, mixed(second, WHITE, 0.45), 0.8 * edged(away, 1.5 / min(size)))


def _cloth(dice: Dice, size: Size, first: Colour, second: Colour) -> Canvas:
    u, v = _turned(dice, size)
    period, pixel = dice.between(0.14, 0.3), 1.5 / min(size)
    kind = dice.one_of(("gingham", "gingham", "stripes", "dots", "plain"))
    if kind == "gingham":
        one = pattern("stripes", u, v, period=period, pixel=pixel)
        share = 0.5 * one + 0.5 * pattern("stripes", v, u, period=period, pixel=pixel)
    else:
        share = pattern(kind, u, v, period=0.7 * period, pixel=pixel)
    weave = 0.08 * wave(u * 48) * wave(v * 48)
    folds = 0.35 * (clouds(dice, size, 2.2, 1) - 0.5)
    return mixed(first, second, share) * (1 + weave * 0.5 + folds * 0.35)


def _sky(dice: Dice, size: Size, first: Colour, second: Colour) -> Canvas:
    height = ramp(size[0], 1.0)[:, None]
    billows = clouds(dice, size, 2.5, 4)
    share = ((billows - 0.48) * 5).clip(0, 1)
    return mixed(
        mixed(first, second, height + 0 * billows), WHITE, 0.8 * share * (3 - 2 * share) / 2
    )


def _water(dice: Dice, size: Size, first: Colour, second: Colour) -> Canvas:
    u, v = _turned(dice, size, most=0.04)
    swell = clouds(dice, size, 3, 2)
    ridge = 1 - np.abs(wave(v * dice.between(2.5, 4.5) + 1.6 * swell + 0.4 * wave(1.5 * u)))
    caps = np.maximum(ridge - 0.86, 0) * 4
    return mixed(mixed(first, second, 0.75 * swell + 0.18 * ridge), WHITE, 0.5 * caps)


def _wall(dice: Dice, size: Size, first: Colour, second: Colour) -> Canvas:
    """Bricks."""
    u, v = _turned(dice, size, most=0.02)
    high = dice.between(0.1, 0.16)
    b = v / high + 20
    row = np.floor(b)
    a = u / (2.1 * high) + 20 + 0.5 * (row - 2 * np.floor(row / 2))
    shades = dice.grid(32, 32)[row.astype(np.intp) % 32, np.floor(a).astype(np.intp) % 32]
    brick = mixed(first, second, 0.15 + 0.6 * shades + 0.25 * clouds(dice, size, 6, 2))
    away = np.minimum(triangle(a) * 2.1, triangle(b)) * high - 0.007
    return mixed(brick, mixed(second, WHITE, 0.4), 0.75 * edged(away, 1.5 / min(size)))


def _turned(dice: Dice, size: Size, most: Number = 0.5) -> tuple[Field, Field]:
    """Coordinates about the centre, the shorter side being 1, turned and moved by chance."""
    turns = dice.between(-most, most)
    c, s = cosine(turns), sine(turns)
    shorter = min(size)
    x = (ramp(size[1], size[1] / shorter) - np.float32(size[1] / shorter / 2))[None, :]
    y = (ramp(size[0], size[0] / shorter) - np.float32(size[0] / shorter / 2))[:, None]
    a, b = dice.between(0, 1), dice.between(0, 1)
    return (x * c + y * s) + a, (y * c - x * s) + b


DRAWN = {
    "meadow": _meadow,
    "sand": _sand,
    "planks": _planks,
    "tiles": _tiles,
    "cloth": _cloth,
    "sky": _sky,
    "water": _water,
    "wall": _wall,
}


def developed(canvas: Canvas, dice: Dice) -> Image:
    """Light from one side, darker corners, a tint, a little grain; then 8 bits."""
    rows, columns = canvas.shape[1:]
    y, x = ramp(rows, 2.0)[:, None] - 1, ramp(columns, 2.0)[None, :] - 1
    warm = dice.between(-1, 1)
    tint = np.array([1 + 0.04 * warm, 1, 1 - 0.05 * warm], np.float32).reshape(3, 1, 1)
    glow = dice.between(0, 0.1) * x + dice.between(-0.1, 0.03) * y
    light = dice.between(0.86, 1.06) * (1 - glow) * (1.02 - 0.07 * (x * x + y * y))
    grain = (dice.grid(rows, columns) - np.float32(0.5)) * np.float32(dice.between(0.01, 0.035))
    lit = canvas * (light * tint)
    lit += grain
    lit = np.minimum(np.maximum(lit, 0), 1) * 255
    lit += np.float32(0.5)
    return np.ascontiguousarray(lit.astype(np.uint8).transpose(1, 2, 0))
