"""Ground under a heat: the photograph, greyer and darker where the heat would not show."""

import math

import numpy as np
import PIL.Image
from jaxtyping import Bool

from xai_heatmap.core.arrays import Heat, Image
from xai_heatmap.render.colour import difference, lab
from xai_heatmap.render.overlay import overlay

STEPS = ((0.0, 1.0), (0.5, 1.0), (0.85, 0.85), (0.85, 0.7), (0.85, 0.55))
"""Colour that a photograph loses, and light that the photograph keeps, as shares, gently first."""

ENOUGH = 24.0
"""Colour difference (CIEDE2000) from the surroundings at which a hottest place stands out."""

HOT, COLD = 0.8, 0.2
"""Strength from which a place is among the hottest, and up to which a place is none of the heat."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)

SAMPLED = 128
"""Pixels of a side of what is looked at; colours are those of places, not of pixels."""

AROUND = 0.1
"""Width of the surroundings of the heat, as a share of the picture's longer side."""


def muted(image: Image, *, grey: float, light: float) -> Image:
    """The photograph without that share of its colour, with that share of its light."""
    picture = PIL.Image.fromarray(image)
    if grey:
        without = picture.convert("L").convert("RGB")
        picture = PIL.Image.blend(picture, without, grey)
    if light != 1:
        picture = picture.point(np.rint(np.arange(256) * light).astype(int).tolist() * 3)
    return np.array(picture)


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
    least = 1 if mute else 0
    if mute is False or alpha == 0 or not (mute or heat.any()):
        return image
    small, strength = _sampled(image, heat)
    found: list[float] = []
    for grey, light in STEPS[least:]:
        under = muted(small, grey=grey, light=light)
        found.append(contrast(overlay(under, strength, colormap=colormap, alpha=alpha), strength))
        if found[-1] >= ENOUGH:
            break
    grey, light = STEPS[least + found.index(max(found))]
    return image if (grey, light) == (0.0, 1.0) else muted(image, grey=grey, light=light)


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
    """The region and all within so many pixels of it, in rows and columns."""
    size = 2 * by + 1
    for axis in (0, 1):
        widths = [(0, 0), (0, 0)]
        widths[axis] = (by + 1, by)
        until = np.pad(region, widths).cumsum(axis=axis, dtype=np.int32)
        until = np.moveaxis(until, axis, 0)
        region = np.moveaxis(until[size:] > until[:-size], 0, axis)
    return region


def _sampled(image: Image, heat: Heat) -> tuple[np.ndarray, np.ndarray]:
    """Image and heat at a size that is quick to look at: mean colours of some pixels, the strongest
    heat among them.
    """
    step = math.ceil(math.sqrt(heat.size) / SAMPLED)
    if step == 1:
        return image, heat
    small = np.array(PIL.Image.fromarray(image).reduce(step))
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
