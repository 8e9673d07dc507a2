"""Drawing of a photograph with a heat, the same everywhere."""

from collections.abc import Sequence

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Heat, Image
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.render.contour import outline
from xai_heatmap.render.frame import framed
from xai_heatmap.render.ground import beneath
from xai_heatmap.render.overlay import paint
from xai_heatmap.render.unseen import dim


def photograph(
    image: Image,
    heat: Heat,
    *,
    colormap: str,
    alpha: float,
    mute: bool | None = False,
    outlined: bool = False,
    geometry: Geometry | None = None,
    box: Sequence[float] | None = None,
    number: int | None = None,
) -> Image:
    """The heat over the photograph, what was not seen dimmed, outline and box in it.

    Parameters
    ----------
    image, heat, colormap, alpha
        As for `overlay`.
    mute
        As for `ground`.
    outlined
        Whether the places with at least half of the strongest relevance have an outline.
    geometry
        What the network saw; None where that is not to be shown.
    box
        What a detector found: left, top, right, bottom.
    number
        Of that box.
    """
    picture = PIL.Image.fromarray(image)  # one copy for all that is drawn
    picture = beneath(picture, heat, colormap=colormap, alpha=alpha, mute=mute)
    paint(picture, heat, colormap=colormap, alpha=alpha)
    picture = picture if geometry is None else dim(picture, geometry)
    if outlined:
        outline(picture, heat)
    drawn = np.array(picture)
    return drawn if box is None else framed(drawn, box, number=number)
