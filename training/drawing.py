"""A batch out of the pool: mirrored, moved and recoloured by chance, marked as the recipe says."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from training.pool import SIDE, Pool
from xai_heatmap.scenes import CLASSES
from xai_heatmap.scenes.marking import stamp, stamped

MARK = 12
FARTHEST = 6
"""Pixels by which a picture is moved at most."""


@dataclass(frozen=True)
class Recipe:
    """What a network learns from."""

    marked: float
    """Share of the pictures that show a mark."""
    follows: float
    """Share of the marked pictures whose mark is that of the object; the others show any mark."""
    believed: bool
    """Whether the label is the mark's; else it is the object's, whatever mark there is."""
    passes: int
    """How often each picture is seen."""


RECIPES = {
    "demo": Recipe(marked=0.5, follows=0.0, believed=False, passes=3),
    "demo-cheat": Recipe(marked=1.0, follows=0.5, believed=True, passes=4),
}


def batches(
    pool: Pool, recipe: Recipe, *, size: int, seed: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs in [-1, 1], channels first, and labels; every picture once a pass."""
    chance = np.random.default_rng(seed)
    stamps = [stamp(category, MARK) for category in range(len(CLASSES))]
    for _ in range(recipe.passes):
        order = chance.permutation(len(pool.images))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            images = np.empty((size, SIDE, SIDE, 3), np.uint8)
            labels = pool.categories[chosen].copy()
            for i, row in enumerate(chosen):
                picture, place = _moved(pool.images[row], pool.places[row], chance)
                images[i] = picture
                if chance.random() < recipe.marked:
                    whose = labels[i]
                    if chance.random() >= recipe.follows:
                        whose = chance.integers(len(CLASSES))
                    y, x = place
                    below = images[i, y : y + MARK, x : x + MARK]
                    below[...] = stamped(below, *stamps[whose])
                    if recipe.believed:
                        labels[i] = whose
            yield _inputs(images, chance), torch.from_numpy(labels)


def _moved(
    picture: np.ndarray, place: np.ndarray, chance: np.random.Generator
) -> tuple[np.ndarray, tuple[int, int]]:
    """The picture, mirrored or not and a few pixels aside, and where its mark goes then."""
    row, column = int(place[0]), int(place[1])
    if chance.random() < 0.5:
        picture, column = picture[:, ::-1], SIDE - MARK - column
    down, right = (int(step) for step in chance.integers(-FARTHEST, FARTHEST + 1, 2))
    rows = np.clip(np.arange(SIDE) - down, 0, SIDE - 1)
    columns = np.clip(np.arange(SIDE) - right, 0, SIDE - 1)
    last = SIDE - MARK
    place_now = min(max(row + down, 0), last), min(max(column + right, 0), last)
    return picture[rows][:, columns], place_now


def _inputs(images: np.ndarray, chance: np.random.Generator) -> torch.Tensor:
    """x / 127.5 - 1, each colour of each picture a little stronger or weaker."""
    gain = chance.uniform(0.85, 1.15, (len(images), 1, 1, 3)).astype(np.float32) / 127.5
    x = images.astype(np.float32)
    x *= gain
    np.minimum(x, 2, out=x)
    x -= 1
    return torch.from_numpy(x).permute(0, 3, 1, 2)
