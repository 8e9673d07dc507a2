"""Ground under a heat: the photograph, greyer and darker where the heat would not show."""

import math

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Heat, Image
from xai_heatmap.core.shapes import Bool
from xai_heatmap.render.colour import difference, lab
from xai_heatmap.render.overlay import overlay

STEPS = ((0.0, 1.0), (0.5, 1.0), (0.85, 0.85), (0.85, 0.7), (0.85, 0.55))
"""Colour that a photograph loses, and light that the photograph keeps, as shares, gently first."""

ENOUGH = 24.0
"""Colour difference (CIEDE2000) from the surroundings at which a hottest place stands out."""

HOT, COLD = 0.8, 0.2
"""Strength from which a place is among the hottest, and up to which a place is none of the heat."""

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in grey (ITU-R BT.601)."""

SAMPLED = 128
"""Pixels of a side of what is looked at; colours are those of places, not of pixels."""

AROUND = 0.1
"""Width of the surroundings of the heat, as a share of the picture's longer side."""


def muted(image: Image, *, grey: float, light: float) -> Image:
    """The photograph without that share of its colour, with that share of its light."""
    return np.array(mute_all(PIL.Image.fromarray(image), grey=grey, light=light))


def mute_all(picture: PIL.Image.Image, *, grey: float, light: float) -> PIL.Image.Image:
    """A picture of Pillow, muted as by `muted`: one product of each pixel and a matrix."""
    if (grey, light) == (0, 1):
        return picture
    own = np.array(LUMA, np.float64) * (grey * light) + np.eye(3) * ((1 - grey) * light)
    matrix = np.concatenate([own, np.zeros((3, 1))], axis=1)
    return picture.convert("RGB", tuple(matrix.ravel().tolist()))


def ground(
    image: Image, heat: Heat, *, colormap: str, alpha: float, mute: bool | None = None
) -> Image:
    """The photograph as it is where the hottest place stands out, else as little muted as that
    takes.

    The first of five steps is taken at which the hottest place differs by 24 or more (CIEDE2000)
    from what surrounds it, or else the one at which it differs most.

    Parameters
    ----------
    image, heat
        As for `render.overlay.overlay`.
    colormap, alpha
        In which the heat is to be drawn.
    mute
        False: the photograph as it is. True: at least the first step, whatever is drawn over it.
        None: as little as it takes.
    """
    if mute is False:
        return image
    given = PIL.Image.fromarray(image)
    under = beneath(given, heat, colormap=colormap, alpha=alpha, mute=mute)
    return image if under is given else np.array(under)


def beneath(
    picture: PIL.Image.Image, heat: Heat, *, colormap: str, alpha: float, mute: bool | None = None
) -> PIL.Image.Image:
    """A picture of Pillow as `ground` has it; the same object where nothing is muted."""
    least = 1 if mute else 0
    if mute is False or alpha == 0 or not (mute or heat.any()):
        return picture
    small, strength = _sampled(picture, heat)
    found: list[float] = []
    for grey, light in STEPS[least:]:
        under = muted(small, grey=grey, light=light)
        found.append(contrast(overlay(under, strength, colormap=colormap, alpha=alpha), strength))
        if found[-1] >= ENOUGH:
            break
    grey, light = STEPS[least + found.index(max(found))]
    return mute_all(picture, grey=grey, light=light)


def contrast(picture: Image, heat: Heat) -> float:
    """Contrast of the hottest places of a picture with their surroundings: CIEDE2000 of the mean
    colours, the smaller one of both signs; infinite where nothing is hot, or nothing cold.
    """
    kinds = [kind for kind in (heat >= HOT, heat <= -HOT) if kind.any()]
    return min((_apart(picture, hot, np.abs(heat) <= COLD) for hot in kinds), default=np.inf)


def _apart(picture: Image, hot: Bool[np.ndarray, "H W"], cold: Bool[np.ndarray, "H W"]) -> float:
    near = cold & _near(hot, cold)
    if not near.any():
        near = cold
    if not near.any():
        return float("inf")
    first, second = (lab(picture[where]).mean(axis=0) for where in (hot, near))
    return float(difference(first, second))


def _near(hot: Bool[np.ndarray, "H W"], cold: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """Surroundings of the hottest places, as far as the nearest cold pixel, and a margin."""
    margin = max(1, round(AROUND * max(hot.shape)))
    grown = hot
    while not (grown & cold).any() and not grown.all():
        grown = _wider(grown, 1)
    return _wider(grown, margin)


def _wider(region: Bool[np.ndarray, "H W"], by: int) -> Bool[np.ndarray, "H W"]:
    """The region and all within so many pixels of it, in rows and columns.

    It is moved against itself by as much as it has grown wide, so that few moves go far.
    """
    for _ in range(2):
        grown = 0
        while grown < by:
            step = min(2 * grown + 1, by - grown)
            wide = region.copy()
            wide[step:] |= region[:-step]
            wide[:-step] |= region[step:]
            region, grown = wide, grown + step
        region = region.T
    return region


def _sampled(picture: PIL.Image.Image, heat: Heat) -> tuple[np.ndarray, np.ndarray]:
    """Image and heat at a size that is quick to look at: mean colours of some pixels, the strongest
    heat among them.
    """
    step = math.ceil(math.sqrt(heat.size) / SAMPLED)
    if step == 1:
        return np.array(picture), heat
    small = np.array(picture.reduce(step))
    highest = _pooled(np.maximum, heat, step)
    if heat.min() >= 0:
        return small, highest
    lowest = _pooled(np.minimum, heat, step)
    return small, np.where(highest >= -lowest, highest, lowest)


def _pooled(of: np.ufunc, heat: np.ndarray, step: int) -> np.ndarray:
    """Highest or lowest of each square: whole rows and columns at a time, each so many apart."""
    for _ in range(2):
        found = heat[::step].copy()
        for start in range(1, step):
            others = heat[start::step]
            of(found[: len(others)], others, out=found[: len(others)])
        heat = found.T
    return heat
