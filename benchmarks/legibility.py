"""Whether the hottest place of a drawing is seen: ``python -m benchmarks.legibility``.

Photographs of every hue are planted with a heat whose hottest place is known, drawn, and looked at
by the difference of colours that people see (CIEDE2000): the hottest place against what lies around
it. Peers draw jet at half opacity over everything.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import PIL.Image
from jaxtyping import Bool

from xai_heatmap.core.arrays import Heat, Image
from xai_heatmap.core.geometry import stretched
from xai_heatmap.render.colour import difference, lab
from xai_heatmap.render.ground import ground
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

ALPHA = 0.75
"""Of our drawings, unless told otherwise."""

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


@dataclass(frozen=True)
class Looks:
    """How well a way to draw shows its hottest places.

    Parameters
    ----------
    stands_out
        The share of pictures whose hottest place is 20 or more from its surroundings.
    fifth, median
        Percentiles of that difference.
    first
        The share in which the heat is what a blind eye looks at first.
    elsewhere
        How different the photograph has become where there is no heat, in the mean.
    """

    stands_out: float
    fifth: float
    median: float
    first: float
    elsewhere: float


def planted(seed: int) -> Planted:
    """A photograph of a random hue, saturation, brightness and roughness, and a random heat."""
    random = np.random.default_rng(seed)
    hue, saturation, brightness = random.random(), random.random(), random.uniform(0.08, 1)
    rough, coarse = random.uniform(0, 0.25), int(random.integers(3, 12))
    noise = _smooth(random.normal(size=(3, coarse, coarse)))
    hues = hue + 0.06 * noise[0]
    saturations = np.clip(saturation + rough * noise[1], 0, 1)
    values = np.clip(brightness + rough * noise[2] * brightness, 0, 1)
    sixth = (np.array([5, 3, 1])[:, None, None] + 6 * hues) % 6
    image = values * (1 - saturations * np.clip(np.minimum(sixth, 4 - sixth), 0, 1))
    grid = int(random.choice(GRIDS))
    y, x = np.mgrid[0:grid, 0:grid] + 0.5
    row, column = random.uniform(0.15 * grid, 0.85 * grid, 2)
    wide = random.uniform(0.06, 0.16) * grid
    map_ = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * max(wide, 0.45) ** 2))
    map_ += random.uniform(0, 0.15) * random.random((grid, grid))
    drawn = scaled(heat(map_.astype(np.float32), stretched((SIZE, SIZE), (SIZE, SIZE))))
    return Planted(np.rint(255 * np.moveaxis(image, 0, -1)).astype(np.uint8), drawn)


def contrast(picture: Image, truth: Planted) -> float:
    """How different the hottest place looks from its surroundings, each by its mean colour."""
    hot, cold = (lab(picture[where]).mean(axis=0) for where in (truth.hot, truth.surroundings))
    return float(difference(hot, cold))


def blind(picture: Image) -> tuple[int, int]:
    """Row and column of what stands out most from its surroundings, to an eye that knows nothing:
    windows of a twelfth of the side against those of a quarter around them.
    """
    seen = lab(picture)
    inner, outer = (_mean(seen, SIZE // part) for part in (12, 4))
    row, column = np.unravel_index(difference(inner, outer).argmax(), seen.shape[:2])
    return int(row), int(column)


def looked_at(draw: Draw, many: int) -> Looks:
    """What is seen in so many drawings."""
    apart, changed, found = [], [], 0
    for seed in range(many):
        truth = planted(seed)
        picture = draw(truth.image, truth.heat)
        apart.append(contrast(picture, truth))
        cold = truth.heat <= COLD
        changed.append(difference(lab(truth.image[cold]), lab(picture[cold])).mean())
        found += bool(truth.heat[blind(picture)] > COLD)
    share = float(np.mean(np.array(apart) >= SEEN))
    fifth, median = np.percentile(apart, (5, 50))
    return Looks(share, float(fifth), float(median), found / many, float(np.mean(changed)))


def _mean(seen: np.ndarray, wide: int) -> np.ndarray:
    """Each place's mean over a square of about that side."""
    half = wide // 2
    padded = np.pad(seen, ((half + 1, half), (half + 1, half), (0, 0)), mode="edge")
    summed = padded.cumsum(axis=0).cumsum(axis=1)
    side = 2 * half + 1
    block = summed[side:, side:] - summed[:-side, side:] - summed[side:, :-side]
    return (block + summed[:-side, :-side]) / side**2


def _joined(warm: np.ndarray, hot: np.ndarray) -> np.ndarray:
    """The part of what is warm that holds the hottest place."""
    part = hot & warm
    while True:
        out = np.pad(part, 1)
        grown = part | out[:-2, 1:-1] | out[2:, 1:-1] | out[1:-1, :-2] | out[1:-1, 2:]
        grown &= warm
        if (grown == part).all():
            return part
        part = grown


def _smooth(coarse: np.ndarray) -> np.ndarray:
    """Noise between few values, as large as a photograph."""
    layers = [PIL.Image.fromarray(own.astype(np.float32)) for own in coarse]
    size, how = (SIZE, SIZE), PIL.Image.Resampling.BICUBIC
    return np.stack([np.asarray(own.resize(size, how)) for own in layers])


def ours(image: Image, relevance: Heat, *, mute: bool | None = None) -> Image:
    """As `Explanation.overlay` draws it, with or without the photograph as it is."""
    how = {"colormap": "inferno", "alpha": ALPHA}
    return overlay(ground(image, relevance, mute=mute, **how), relevance, **how)


def peers(image: Image, relevance: Heat) -> Image:
    """Jet at half opacity, everywhere."""
    return overlay(image, relevance, colormap="jet", alpha=0.5, fade=False)


DRAWINGS: Mapping[str, Draw] = {
    "ours": ours,
    "ours, photograph as it is (`mute=False`)": partial(ours, mute=False),
    "jet at half opacity, as peers draw": peers,
}


HEAD = ("drawing", "stands out", "5th percentile", "median", "seen first", "changed elsewhere")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=MANY)
    many = parser.parse_args().pictures
    lines = [f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    for name, draw in DRAWINGS.items():
        seen = looked_at(draw, many)
        lines.append(
            f"| {name} | {seen.stands_out:.1%} | {seen.fifth:.1f} | {seen.median:.1f} "
            f"| {seen.first:.1%} | {seen.elsewhere:.1f} |"
        )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
