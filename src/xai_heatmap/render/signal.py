"""A signal as lines over time, the heat behind them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageDraw

from xai_heatmap.core.arrays import Signal
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.shapes import Float32
from xai_heatmap.render.colormaps import colored, named
from xai_heatmap.render.fonts import font
from xai_heatmap.render.overlay import overlay
from xai_heatmap.render.page import INK, PAPER, Picture, number
from xai_heatmap.render.smooth import interpolation

Along = Float32[np.ndarray, " l"]
"""The heat of every sample."""

Columns = Float32[np.ndarray, " columns"]
"""The heat of every column of pixels."""

WIDE = 1200
"""Pixels of the time axis."""

LANES = {1: 280, 2: 180, 4: 130, 8: 100}
"""Height of a channel's lane, by how many channels there are at most."""

LOWEST, MOST = 72, 16
"""Height of a lane among more channels; so many are drawn, spread evenly."""

TEXT, MARGIN, FINE = 18, 8, 2
"""Height of letters, space around a line in its lane, and how much finer lines are drawn."""

RIBBON = 14
"""Height of the bar of heat alone below the lanes, which no line covers."""

NARROWEST = 3
"""Columns of pixels in which the heat of a long signal is seen, however few its samples."""

TICKS = 10
"""Numbers along the time axis, at most."""


@dataclass(frozen=True)
class _Plot:
    """Positions of everything in a plot, in pixels."""

    left: int
    lane: int
    lanes: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole picture."""
        return self.left + WIDE + 2 * TEXT, TEXT // 2 + self.height + 3 * TEXT

    @property
    def top(self) -> int:
        return TEXT // 2

    @property
    def height(self) -> int:
        return self.lane * self.lanes + RIBBON


def signal(
    values: Signal,
    heat: Along,
    *,
    colormap: str = "inferno",
    alpha: float = 0.75,
    marked: bool = False,
) -> Picture:
    """Every channel as a line in a lane of its own, the heat as the colour behind all of them, and
    alone in a ribbon below.

    Time runs from left to right, in samples. Each line has the range of its channel, whose numbers
    stand beside it. Where several samples share a column of pixels the line is as thick as they
    reach, and the colour is that of the strongest, three columns wide.

    Parameters
    ----------
    values
        (c, l), as the network takes it; of more than 16 channels so many are drawn.
    heat
        (l,) in [0, 1], or in [-1, 1] for a diverging colour map.
    colormap
        A key of ``COLORMAPS``.
    alpha
        Opacity of the colour behind the lines, in [0, 1].
    marked
        Whether a bar at the foot marks where the heat is at least half of 1.
    """
    if values.shape[1:] != heat.shape:
        raise BadArray(
            f"A signal is drawn with the heat of each of its samples; received a signal of "
            f"{values.shape[1]} and a heat of {counted(heat.shape[0], 'sample')}."
        )
    shown = [int(place) for place in np.linspace(0, len(values) - 1, min(len(values), MOST))]
    words = font(TEXT)
    ends = [(number(float(values[c].min())), number(float(values[c].max()))) for c in shown]
    labels = [f"channel {c + 1}" if len(values) > 1 else "" for c in shown]
    widest = max(words.getlength(word) for word in [*labels, *(e for pair in ends for e in pair)])
    tall = next((lane for most, lane in LANES.items() if len(shown) <= most), LOWEST)
    plot = _Plot(left=int(widest) + TEXT, lane=tall, lanes=len(shown))
    page = PIL.Image.new("RGB", plot.size, PAPER)
    page.paste(_lines(values[shown], _columns(heat), plot, (colormap, alpha, marked)),
               (plot.left, plot.top))  # fmt: skip
    draw = PIL.ImageDraw.Draw(page)
    for place, (label, (low, high)) in enumerate(zip(labels, ends, strict=True)):
        top = plot.top + place * plot.lane
        right = plot.left - TEXT // 2
        draw.text((right, top + 2), high, INK, words, anchor="ra")
        draw.text((right, top + plot.lane // 2), label, INK, words, anchor="rm")
        draw.text((right, top + plot.lane - 2), low, INK, words, anchor="rd")
    _time(draw, values.shape[1], plot)
    return np.array(page)


def _lines(
    values: Signal, columns: Columns, plot: _Plot, how: tuple[str, float, bool]
) -> PIL.Image.Image:
    """The lanes themselves: colour, lines, and between lanes a rule."""
    colormap, alpha, marked = how
    paper, ink = (PAPER, INK) if named(colormap).diverging else (INK, PAPER)
    ground = np.full((plot.height, WIDE, 3), paper, np.uint8)
    spread = np.ascontiguousarray(np.broadcast_to(columns, ground.shape[:2]))
    coloured = overlay(ground, spread, colormap=colormap, alpha=alpha, fade=False)
    coloured[-RIBBON:] = colored(spread[-RIBBON:], colormap=colormap)
    finer = FINE * WIDE, FINE * plot.height
    page = PIL.Image.fromarray(coloured).resize(finer, PIL.Image.Resampling.NEAREST)
    draw = PIL.ImageDraw.Draw(page)
    for place, channel in enumerate(values):
        top = FINE * (place * plot.lane + MARGIN)
        points = _points(channel, top, FINE * (plot.lane - 2 * MARGIN))
        for width, colour in ((4 * FINE, paper), (2 * FINE - 1, ink)):
            draw.line(points, colour, width, joint="curve")
        edge = FINE * (place + 1) * plot.lane
        draw.line([(0, edge), (FINE * WIDE, edge)], ink, 1)
    if marked:
        foot = FINE * plot.lane * plot.lanes
        for first, last in _runs(np.abs(columns) >= 0.5):
            box = (FINE * first, foot - 5 * FINE, FINE * last, foot)
            draw.rectangle(box, fill=ink, outline=paper, width=FINE)
    return page.resize((WIDE, plot.height), PIL.Image.Resampling.BOX)


def _points(channel: Along, top: int, height: int) -> list[tuple[float, float]]:
    """The line of one channel; of many samples each column's highest and lowest."""
    low, high = float(channel.min()), float(channel.max())
    share = (channel - low) / (high - low) if high > low else np.full_like(channel, 0.5)
    down = top + (1 - share) * height
    wide, length = float(FINE * WIDE), len(channel)
    if length <= 2 * WIDE:
        across = (np.arange(length) + 0.5) / length * wide
        points = np.stack([across, down], axis=1)
        return [(0.0, float(down[0])), *map(tuple, points.tolist()), (wide, float(down[-1]))]
    starts = np.arange(WIDE) * length // WIDE
    ends = np.stack([np.minimum.reduceat(down, starts), np.maximum.reduceat(down, starts)], axis=1)
    across = np.repeat((np.arange(WIDE) + 0.5) * FINE, 2)
    return [(float(x), float(y)) for x, y in zip(across, ends.ravel(), strict=True)]


def _columns(heat: Along) -> Columns:
    """The heat of every column of pixels: between samples, or the strongest of several."""
    length = len(heat)
    if length <= WIDE:
        return interpolation(WIDE, length, start=0.0, stop=float(WIDE)) @ heat
    starts = np.arange(WIDE) * length // WIDE
    highest, lowest = np.maximum.reduceat(heat, starts), np.minimum.reduceat(heat, starts)
    strongest = np.where(highest >= -lowest, highest, lowest)
    around = np.pad(strongest, NARROWEST // 2, mode="edge")
    near = np.lib.stride_tricks.sliding_window_view(around, NARROWEST)
    return near[np.arange(WIDE), np.abs(near).argmax(axis=1)]


def _time(draw: PIL.ImageDraw.ImageDraw, length: int, plot: _Plot) -> None:
    """Numbers of samples below the lanes."""
    words, foot = font(TEXT), plot.top + plot.height
    for sample in ticks(length):
        x = plot.left + (sample + 0.5) / length * WIDE
        draw.line([(x, foot), (x, foot + TEXT // 3)], INK, 1)
        draw.text((x, foot + TEXT // 2), str(sample), INK, words, anchor="ma")
    end = plot.left + WIDE
    draw.text((end, foot + 2.9 * TEXT), "sample", INK, words, anchor="rd")


def ticks(length: int) -> Sequence[int]:
    """Round numbers of samples from 0 on, at most ten.

    >>> list(ticks(1000)), list(ticks(7))
    ([0, 100, 200, 300, 400, 500, 600, 700, 800, 900], [0, 1, 2, 3, 4, 5, 6])
    """
    rough = length / TICKS
    power = 10 ** max(math.floor(math.log10(rough)), 0) if rough > 1 else 1
    step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough)
    return range(0, length, step)


def _runs(marked: np.ndarray) -> list[tuple[int, int]]:
    """First and last column of every stretch that is marked."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]])))
    return [(int(first), int(last) - 1) for first, last in edges.reshape(-1, 2)]
