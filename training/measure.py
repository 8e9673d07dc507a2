"""How often a network is right on unseen scenes: bare, marked rightly, marked wrongly."""

from collections.abc import Callable

import numpy as np

from xai_heatmap import scenes

FIRST_SEED = 0
"""Far below those of the training pictures."""

Answers = Callable[[np.ndarray], np.ndarray]
"""From pictures (n, H, W, 3), 0 to 255, to scores (n, classes)."""


def measured(scores: Answers, *, count: int) -> dict[str, float]:
    """Shares, over scenes of as many seeds.

    What begins with ``right`` is compared with the object; ``follows, other mark`` with the class
    of a mark that is not the object's.
    """
    own, other, bare, truth, lie = [], [], [], [], []
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        scene = scenes.scene(seed)
        wrong = (scene.category + 1 + seed % (len(scenes.CLASSES) - 1)) % len(scenes.CLASSES)
        bare.append(scene.image)
        own.append(scenes.marked(scene, scene.category).image)
        other.append(scenes.marked(scene, wrong).image)
        truth.append(scene.category)
        lie.append(wrong)
    found = {name: _best(scores, p) for name, p in (("bare", bare), ("own", own), ("other", other))}
    return {
        "right, bare": float(np.mean(found["bare"] == truth)),
        "right, own mark": float(np.mean(found["own"] == truth)),
        "right, other mark": float(np.mean(found["other"] == truth)),
        "follows, other mark": float(np.mean(found["other"] == lie)),
    }


def _best(scores: Answers, pictures: list[np.ndarray], at_once: int = 100) -> np.ndarray:
    parts = [
        scores(np.stack(pictures[start : start + at_once])).argmax(axis=1)
        for start in range(0, len(pictures), at_once)
    ]
    return np.concatenate(parts)
