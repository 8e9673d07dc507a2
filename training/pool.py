"""The training pictures: scenes drawn once, without marks, and kept in a file."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import track

from xai_heatmap import scenes
from xai_heatmap.networks.loading.demo import TRAINED_ON

FIRST_SEED = TRAINED_ON.start
"""Training takes seeds from here up; what is measured takes others."""

SIDE = 128
CHUNK = 250


@dataclass(frozen=True)
class Pool:
    """Pictures, their categories, and where each has room for a mark (row, column)."""

    images: np.ndarray
    categories: np.ndarray
    places: np.ndarray


def pool(count: int, *, folder: Path, workers: int) -> Pool:
    """Scenes of the seeds from ``FIRST_SEED`` up; drawn if the folder does not hold them yet."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"scenes-{count}.npy"
    facts = folder / f"scenes-{count}.npz"
    if not facts.exists():
        shape = (count, SIDE, SIDE, 3)
        images = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        starts = range(0, count, CHUNK)
        with ProcessPoolExecutor(workers) as executor:
            jobs = [executor.submit(_drawn, s, min(s + CHUNK, count)) for s in starts]
            found = []
            for start, job in zip(starts, track(jobs, "drawing scenes"), strict=True):
                drawn, *rest = job.result()
                images[start : start + CHUNK] = drawn
                found.append(rest)
        images.flush()
        categories, places = (np.concatenate(part) for part in zip(*found, strict=True))
        np.savez(facts, categories=categories, places=places)
    with np.load(facts) as known:
        return Pool(np.load(path), known["categories"], known["places"])


def _drawn(start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    images = np.empty((stop - start, SIDE, SIDE, 3), np.uint8)
    categories, places = [], []
    for i in range(start, stop):
        scene = scenes.scene(FIRST_SEED + i)
        column, row = scenes.marked(scene, 0).mark.box[:2]
        images[i - start] = scene.image
        categories.append(scene.category)
        places.append((row, column))
    return images, np.array(categories), np.array(places)
