"""Words of planted scenes: captions, questions and answers, drawn from a seed; pictures as the
shipped network sees them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from xai_heatmap import scenes
from xai_heatmap.networks.loading.demo import torch_twin
from xai_heatmap.scenes import CLASSES

FIRST_SEED = 2_000_000
"""Training takes seeds from here up; what is measured takes others."""

LEGS = dict.fromkeys(("bear", "cat", "rabbit", "tiger"), "four") | {
    "beetle": "six", "ladybird": "six", "bird": "two",
    "bus": "no", "fish": "no", "mug": "no", "teapot": "no", "truck": "no",
}  # fmt: skip
"""Legs of each class: what is asked without need of a picture."""

NUMBERS = ("no", "one", "two", "three", "four", "five", "six")

SEEN = ("left", "right")
"""Sides that a question asks about."""

VOCABULARY = (
    "<pad>", "<s>", "</s>", "<unk>", "<image>", "a", "and", "picture", "of", "what", "is", "the",
    "how", "many", "legs", "has", "plus", "?", "nothing", *SEEN, *NUMBERS, *CLASSES,
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """Question about a scene, its answer in one word, and which object decides it.

    Parameters
    ----------
    question, answer
        In words of the vocabulary.
    decides
        Number of the object in the scene that the answer names; None where none does.
    looks
        Whether the answer needs the picture.
    """

    question: str
    answer: str
    decides: int | None = None
    looks: bool = True


@dataclass(frozen=True)
class Pool:
    """Scenes of one and of two objects as the trunk sees them.

    Parameters
    ----------
    features
        Of the shipped network's last layer, float16 (n, 128, 16, 16).
    categories
        Of the left and of the right object, (n, 2); -1 where there is one object alone.
    """

    features: np.ndarray
    categories: np.ndarray


def caption(categories: Sequence[int], chance: np.random.Generator) -> str:
    """Words for what a scene shows, in any order."""
    named = [f"a {CLASSES[one]}" for one in chance.permutation([c for c in categories if c >= 0])]
    words = " and ".join(named)
    return f"a picture of {words}" if chance.random() < 0.5 else words


def beside(categories: Sequence[int], which: int, side: str) -> Asked:
    """What lies on one side of the left (0) or the right (1) object of a pair."""
    other = 1 - which
    found = (side == "left") == (other == 0)
    return Asked(
        f"what is {side} of the {CLASSES[categories[which]]} ?",
        CLASSES[categories[other]] if found else "nothing",
        other if found else None,
    )


def at_side(categories: Sequence[int], side: str) -> Asked:
    """What lies on one side of a picture of a pair."""
    which = SEEN.index(side)
    return Asked(f"what is {side} ?", CLASSES[categories[which]], which)


def knowledge(chance: np.random.Generator) -> Asked:
    """A question whose answer needs no picture: legs of a class, or a small sum."""
    if chance.random() < 0.5:
        one = CLASSES[chance.integers(len(CLASSES))]
        return Asked(f"how many legs has a {one} ?", LEGS[one], looks=False)
    first = int(chance.integers(1, 5))
    second = int(chance.integers(1, 7 - first))
    question = f"what is {NUMBERS[first]} plus {NUMBERS[second]} ?"
    return Asked(question, NUMBERS[first + second], looks=False)


def question(categories: Sequence[int], chance: np.random.Generator) -> Asked:
    """Any question of a pair: four of five need the picture, and most of these name an object."""
    kind, side = chance.random(), SEEN[chance.integers(2)]
    if kind < 0.2:
        return knowledge(chance)
    if kind < 0.5:
        return at_side(categories, side)
    which = 1 - SEEN.index(side) if kind < 0.85 else SEEN.index(side)
    return beside(categories, which, side)


def trunk() -> nn.Module:
    """The shipped network up to its features, with none of its weights learning."""
    return torch_twin()[:-3].eval().requires_grad_(False)


def pool(count: int, *, folder: Path) -> Pool:
    """Scenes of the seeds from ``FIRST_SEED`` up, every third of one object; kept in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"words-{count}.npz"
    if not path.exists():
        eye, features, categories = trunk(), list[np.ndarray](), list[list[int]]()
        for start in range(0, count, 64):
            drawn = [_scene(i) for i in range(start, min(start + 64, count))]
            x = torch.from_numpy(np.stack([one.image for one in drawn]))
            with torch.inference_mode():
                seen = eye(x.permute(0, 3, 1, 2).float() / 127.5 - 1)
            features.append(seen.half().numpy())
            categories += [([own.category for own in one.objects] + [-1])[:2] for one in drawn]
        np.savez(path, features=np.concatenate(features), categories=np.array(categories))
    with np.load(path) as known:
        return Pool(known["features"], known["categories"])


def _scene(number: int) -> scenes.Scene:
    made = scenes.scene if number % 3 == 0 else scenes.pair
    return made(FIRST_SEED + number)
