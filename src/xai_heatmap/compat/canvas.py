"""Picture, heatmap, predictions and filters on one canvas."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw

from xai_heatmap.compat.activations import Tiles
from xai_heatmap.compat.pictures import BlueFirst, from_cv2, to_cv2
from xai_heatmap.core.geometry import Size
from xai_heatmap.core.prediction import Prediction
from xai_heatmap.render.fonts import font
from xai_heatmap.render.page import elided, number

INK, FAINT, BAR, PAPER = (235, 235, 235), (140, 140, 140), (70, 130, 180), (24, 24, 27)

ACROSS, DOWN = 10, 10
"""Filters on one page."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels of the canvas."""


def blank(size: Size) -> BlueFirst:
    """An empty canvas of so many rows and columns."""
    return to_cv2(np.full((*size, 3), PAPER, np.uint8))


def drawn(
    result: Mapping[str, Any], picture: np.ndarray | None, *, size: Size, page: int
) -> BlueFirst:
    """One run's result on a canvas: on the left the picture, the heatmap and the predictions, on
    the right a page of filters. Everything keeps its aspect.
    """
    canvas = PIL.Image.fromarray(blank(size))
    draw = PIL.ImageDraw.Draw(canvas)
    rows, columns = size
    middle, gap = columns // 3, max(rows // 100, 1)
    pictures = [p for p in (picture, result["heatmap"]) if p is not None]
    above = rows * 3 // 4
    for place, shown in enumerate(pictures):
        top, bottom = (above * n // len(pictures) for n in (place, place + 1))
        _fit(canvas, PIL.Image.fromarray(from_cv2(shown)), (gap, top + gap, middle, bottom))
    _write(draw, readable(result["predictions"]), (gap, above + gap, middle, rows - gap))
    _filters(canvas, result["activations"], (middle + gap, gap, columns - gap, rows - gap), page)
    return to_cv2(np.asarray(canvas))


def readable(predictions: Any) -> list[tuple[str, float | None]]:
    """Names, each with its figure if it has one, out of what a decoder makes: predictions, Keras's
    nested tuples, a mapping, rows of numbers, text.
    """
    if isinstance(predictions, Mapping):
        predictions = list(predictions.items())
    if isinstance(predictions, np.ndarray):
        row = predictions.reshape(-1)
        return [(f"class {i}", float(row[i])) for i in np.argsort(-row, kind="stable")[:5]]
    if isinstance(predictions, str) or not isinstance(predictions, Sequence):
        return [_line(predictions)]
    if len(predictions) == 1 and isinstance(predictions[0], list):
        return readable(predictions[0])
    return [_line(one) for one in predictions]


def _line(prediction: Any) -> tuple[str, float | None]:
    if isinstance(prediction, Prediction):
        return prediction.label, prediction.probability
    if isinstance(prediction, tuple) and len(prediction) > 1:
        *names, figure = prediction
        if isinstance(figure, float | int | np.number):
            return str(names[-1]), float(figure)
    return str(prediction), None


def _fit(canvas: PIL.Image.Image, picture: PIL.Image.Image, box: Box) -> None:
    """The picture as large as the box allows, in its middle."""
    left, top, right, bottom = box
    scale = min((right - left) / picture.width, (bottom - top) / picture.height)
    width, height = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    place = left + (right - left - width) // 2, top + (bottom - top - height) // 2
    how = PIL.Image.Resampling.BILINEAR
    canvas.paste(picture.resize((width, height), how, reducing_gap=2.0), place)


def _write(draw: PIL.ImageDraw.ImageDraw, lines: list[tuple[str, float | None]], box: Box) -> None:
    """One line for each prediction, with a bar as long as its probability."""
    left, top, right, bottom = box
    step = (bottom - top) / max(len(lines), 5)
    letters = font(max(6, int(step * 0.5)))
    for place, (name, figure) in enumerate(lines):
        y = top + place * step
        said = "" if figure is None else f"{figure:.1%}" if 0 <= figure <= 1 else number(figure)
        room = int(right - left - letters.getlength(f" {said}"))
        draw.text((left, y), elided(name, room, using=letters), INK, letters)
        draw.text((right, y), said, INK, letters, anchor="ra")
        if figure is not None:
            share, below = min(max(figure, 0), 1), y + step * 0.75
            draw.rectangle((left, below, left + share * (right - left), y + step * 0.85), BAR)


def _filters(canvas: PIL.Image.Image, tiles: Sequence[np.ndarray], box: Box, page: int) -> None:
    """A page of filters, with a line that says which; dead ones are crossed out."""
    left, top, right, bottom = box
    caption = max(8, (bottom - top) // 45)
    shown = list(tiles)[page * ACROSS * DOWN : (page + 1) * ACROSS * DOWN]
    channels = tiles.channels if isinstance(tiles, Tiles) else range(len(tiles))
    dead = tiles.dead if isinstance(tiles, Tiles) else frozenset()
    draw = PIL.ImageDraw.Draw(canvas)
    across = min(ACROSS, math.ceil(math.sqrt(max(len(shown), 1))))
    down = math.ceil(max(len(shown), 1) / across)
    side = min((right - left) // across, (bottom - top - 2 * caption) // down)
    inner = max(side - max(side // 20, 1), 1)
    for place, tile in enumerate(shown):
        x, y = left + place % across * side, top + place // across * side
        picture = PIL.Image.fromarray(from_cv2(tile))
        width, height = _within(inner, picture.size)
        corner = x + (inner - width) // 2, y + (inner - height) // 2
        canvas.paste(picture.resize((width, height), PIL.Image.Resampling.NEAREST), corner)
        if channels[page * ACROSS * DOWN + place] in dead:
            draw.line((x, y, x + inner - 1, y + inner - 1), FAINT)
            draw.line((x, y + inner - 1, x + inner - 1, y), FAINT)
    first = page * ACROSS * DOWN
    said = f"filters {first + 1} to {first + len(shown)} of {len(tiles)}, {len(dead)} dead"
    draw.text((left, bottom), said, FAINT, font(caption), anchor="ld")


def _within(side: int, size: tuple[int, int]) -> tuple[int, int]:
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
