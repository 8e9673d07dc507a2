"""Whether the hottest place of a drawing is seen: ``python -m benchmarks.legibility``.

Photographs of every hue are planted with a heat whose hottest place is known, drawn, and looked at
by the difference of colours that people see (CIEDE2000): the hottest place against what lies around
it. Peers draw jet at half opacity over everything.
"""

import argparse
import colorsys
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import PIL.Image
from jaxtyping import Bool

from xai_heatmap.core.arrays import Heat, Image
from xai_heatmap.core.geometry import stretched
from xai_heatmap.render.colour import difference, lab
from xai_heatmap.render.heat import heat, scaled
from xai_heatmap.render.overlay import overlay

MANY = 1000
SIZE = 112
"""Pixels of a photograph's side."""

GRIDS = (7, 14, 28)

SEEN = 20.0
"""From this difference on, a place stands out at a glance."""

HOT, COLD = 0.8, 0.2
"""What of a heat is its hottest place, and what is no longer heat."""

AROUND = 10
"""Pixels around the heat that still are its surroundings."""

Draw = Callable[[Image, Heat], Image]


@dataclass(frozen=True)
class Planted:
    """A photograph and a heat over it, one of it hot at one place."""

    image: Image
    heat: Heat

    @property
    def hot(self) -> Bool[np.ndarray, "H W"]:
        return self.heat >= HOT

    @property
    def surroundings(self) -> Bool[np.ndarray, "H W"]:
        """What is cold near the hottest place."""
        warm = self.heat > COLD
        rows, columns = np.nonzero(_joined(warm, self.hot))
        near = np.zeros_like(warm)
        near[
            max(rows.min() - AROUND, 0) : rows.max() + AROUND + 1,
            max(columns.min() - AROUND, 0) : columns.max() + AROUND + 1,
        ] = True
        return near & ~warm


def planted(seed: int) -> Planted:
    """A photograph of a random hue, saturation, brightness and roughness, and a random heat."""
    random = np.random.default_rng(seed)
    hue, saturation, brightness = random.random(), random.random(), random.uniform(0.08, 1)
    rough, coarse = random.uniform(0, 0.25), int(random.integers(3, 12))
    noise = _smooth(random.normal(size=(3, coarse, coarse)))
    hues = hue + 0.06 * noise[0]
    saturations = np.clip(saturation + rough * noise[1], 0, 1)
    values = np.clip(brightness + rough * noise[2] * brightness, 0, 1)
    image = np.stack(np.vectorize(colorsys.hsv_to_rgb)(hues % 1, saturations, values), axis=-1)
    grid = int(random.choice(GRIDS))
    y, x = np.mgrid[0:grid, 0:grid] + 0.5
    row, column = random.uniform(0.15 * grid, 0.85 * grid, 2)
    wide = random.uniform(0.06, 0.16) * grid
    map_ = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * max(wide, 0.45) ** 2))
    map_ += random.uniform(0, 0.15) * random.random((grid, grid))
    drawn = scaled(heat(map_.astype(np.float32), stretched((SIZE, SIZE), (SIZE, SIZE))))
    return Planted(np.rint(255 * image).astype(np.uint8), drawn)


def contrast(picture: Image, truth: Planted) -> float:
    """How different the hottest place looks from its surroundings, each by its mean colour."""
    hot, cold = (lab(picture[where]).mean(axis=0) for where in (truth.hot, truth.surroundings))
    return float(difference(hot, cold))


def _smooth(coarse: np.ndarray) -> np.ndarray:
    layers = [PIL.Image.fromarray(own.astype(np.float32)) for own in coarse]
    return np.stack([np.asarray(own.resize((SIZE, SIZE), PIL.Image.Resampling.BICUBIC)) for own in layers])
