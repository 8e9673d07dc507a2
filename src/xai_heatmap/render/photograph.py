"""Drawing of a photograph with a heat, the same everywhere."""

from collections.abc import Sequence

from xai_heatmap.core.arrays import Heat, Image
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.render.contour import contour
from xai_heatmap.render.frame import framed
from xai_heatmap.render.ground import ground
from xai_heatmap.render.overlay import overlay
from xai_heatmap.render.unseen import dimmed


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
    under = ground(image, heat, colormap=colormap, alpha=alpha, mute=mute)
    picture = overlay(under, heat, colormap=colormap, alpha=alpha)
    picture = picture if geometry is None else dimmed(picture, geometry)
    picture = contour(picture, heat) if outlined else picture
    return picture if box is None else framed(picture, box, number=number)
