"""Small pictures of subjects: what the network saw, its heat, a piece."""

import base64
import io

import numpy as np
import PIL.Image

from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.render.heat import drawn_out, scaled
from xai_heatmap.render.page import Picture
from xai_heatmap.render.photograph import photograph
from xai_heatmap.runners.findings.pieces import Window

SIDE = 144
"""Pixels of the longer side of a small picture."""

QUALITY = 82


def thumbnail(given: PreparedInput) -> Picture:
    """What the network saw of a picture, at the size of a small picture."""
    seen = given.geometry
    picture = PIL.Image.fromarray(given.image)
    if seen is None:
        return np.asarray(picture.resize((SIDE, SIDE)))
    rows, columns = seen.input_size
    scale = SIDE / max(rows, columns)
    size = max(round(columns * scale), 1), max(round(rows * scale), 1)
    if seen.matrix is None:
        made = picture.transform(
            size, PIL.Image.Transform.EXTENT, seen.box, PIL.Image.Resampling.BILINEAR
        )
        shrunk = _shrunk(picture, seen.box, size)
        return np.asarray(made if shrunk is None else shrunk)
    across, down = columns / size[0], rows / size[1]
    a, b, c, d, e, f = seen.matrix
    turned = (a * across, b * down, c, d * across, e * down, f)
    return np.asarray(
        picture.transform(size, PIL.Image.Transform.AFFINE, turned, PIL.Image.Resampling.BILINEAR)
    )


def _shrunk(
    picture: PIL.Image.Image, box: tuple[float, float, float, float], size: tuple[int, int]
) -> PIL.Image.Image | None:
    """The box, every pixel counted; None where it reaches beyond the picture."""
    left, top, right, bottom = box
    if left < 0 or top < 0 or right > picture.width or bottom > picture.height:
        return None
    return picture.resize(size, PIL.Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)


def with_heat(image: Picture, heat: np.ndarray, window: Window | None = None) -> Picture:
    """A small picture with its heat, and a window of the heat's grid outlined in it."""
    strength = scaled(drawn_out(heat.astype(np.float32), image.shape[:2], smooth=True))
    box = None
    if window is not None:
        own = window.drawn_out((heat.shape[0], heat.shape[1]), (image.shape[0], image.shape[1]))
        right, bottom = own.left + own.width, own.top + own.height
        box = float(own.left), float(own.top), float(right), float(bottom)
    return photograph(image, strength, colormap="inferno", alpha=0.6, mute=None, box=box)


def cut_out(image: Picture, heat: np.ndarray, window: Window) -> Picture:
    """What lies in a window of the heat's grid, enlarged."""
    own = window.drawn_out((heat.shape[0], heat.shape[1]), (image.shape[0], image.shape[1]))
    part = np.ascontiguousarray(own.of(image.transpose(2, 0, 1)).transpose(1, 2, 0))
    return np.asarray(PIL.Image.fromarray(part).resize((72, 72), PIL.Image.Resampling.BICUBIC))


def encoded(picture: Picture) -> str:
    """A picture as the address of data that a page shows."""
    written = io.BytesIO()
    PIL.Image.fromarray(picture).save(written, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()
