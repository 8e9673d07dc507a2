"""Relevance as colour over the photograph."""

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Heat, Image
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.render.colormaps import named


def overlay(
    image: Image,
    heat: Heat,
    *,
    colormap: str = "inferno",
    alpha: float = 0.75,
    fade: bool = True,
) -> Image:
    """The photograph with the heat over it.

    A fixed blend, pixel by pixel: what is drawn at one place depends on nothing elsewhere in the
    picture, so nothing flickers in a video.

    Parameters
    ----------
    image, heat
        Of the same size; the heat in [0, 1], or in [-1, 1] for a diverging colour map.
    colormap
        A key of ``COLORMAPS``.
    alpha
        Opacity where the heat is strongest, in [0, 1].
    fade
        True: opacity follows relevance, and where there is none the photograph is untouched.
        False: the same opacity everywhere.
    """
    picture = PIL.Image.fromarray(image)
    paint(picture, heat, colormap=colormap, alpha=alpha, fade=fade)
    return np.array(picture)


def paint(
    picture: PIL.Image.Image, heat: Heat, *, colormap: str, alpha: float, fade: bool = True
) -> None:
    """Draw a heat over a picture that Pillow holds, as `overlay` does."""
    if picture.size[::-1] != heat.shape:
        raise BadArray(
            "An overlay takes an image and a heat of one size; received "
            f"{picture.size[::-1]} and {heat.shape}. `render.heat.heat(map_, geometry)` gives a "
            "heat of the image's size."
        )
    if not 0 <= alpha <= 1:
        raise BadOption(f"alpha lies in [0, 1]; received {alpha}.")
    colors = named(colormap)
    own = colors.levels(heat)
    levels = PIL.Image.fromarray(own)
    strength = colors.strength if fade else np.ones(256)
    shares = np.rint(255 * alpha * strength).astype(np.uint8).tobytes()
    opacity = looked_up(own.tobytes(), levels.size, shares)
    levels.putpalette(colors.table.tobytes())
    if box := opacity.getbbox():  # there is nothing to be seen anywhere else
        picture.paste(levels.crop(box).convert("RGB"), box, opacity.crop(box))


def looked_up(levels: bytes, size: tuple[int, int], table: bytes) -> PIL.Image.Image:
    """Each level of a grey picture of that size as the table of 256 has it: `point`, which reads
    its table number by number, takes longer for that than for most pictures.
    """
    return PIL.Image.frombuffer("L", size, levels.translate(table), "raw", "L", 0, 1)
