"""Draw the pictures of the pages for users: ``python docs/user_pages.py``."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image

import xai_heatmap as xh
from xai_heatmap import scenes
from xai_heatmap.render.sheet import sheet

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images"
NAMES = ("unseen.jpg", "signal.png", "words.png", "tested.jpg", "training.jpg")
PICTURES = tuple(IMAGES / name for name in NAMES)
SCENE = 47
"""Seed of the picture whose maps are tested."""

CHELSEA = HERE.parent / "examples" / "images" / "chelsea.jpg"


def orange(x: np.ndarray) -> np.ndarray:
    """How much more red than blue the middle of a picture is: a network that one can check."""
    middle = x[:, :, 40:110, 60:150]
    return (middle[:, 0] - middle[:, 2]).mean((1, 2))[:, None] * [[1.0, -1.0]]


def spike(x: np.ndarray) -> np.ndarray:
    """The steepest rise of a signal's first channel."""
    return np.diff(x[:, 0], axis=1).max(axis=1)[:, None] * [[1.0, -1.0]]


def beats() -> np.ndarray:
    """Two leads of a heart, one beat of which is taller than the others."""
    time = np.arange(600)
    lead = sum(
        tall * np.exp(-(((time - at) / 5) ** 2))
        for at, tall in ((80, 1), (200, 1), (320, 2.2), (440, 1), (560, 1))
    )
    noise = np.random.default_rng(0).normal(size=(2, 600)) * 0.03
    return (np.stack([lead, 0.4 * np.roll(lead, 3)]) + noise).astype(np.float32)


def words() -> PIL.Image.Image:
    """A planted scene of two objects: two texts held against it, and the answer to a question."""
    sys.path.insert(0, str(HERE.parent))
    from training import answering, towers

    pair = xh.scenes.pair(20_006)
    first, second = (f"a {one.label}" for one in pair.objects)
    held = xh.text([first, second], processor=towers.Words())
    network = xh.network(towers.shipped(), held=held, image_shape=(3, 128, 128))
    maps = list(xh.compare(network, pair.image, preprocess="tf", targets=[first, second]))
    question = f"<s> <image> what is left of the {pair.objects[1].label} ?"
    found = xh.answer(answering.shipped(), answering.processor(), pair.image, question, tokens=1)
    shown = [pair.image, *(one.overlay() for one in (*maps, found[0].explanation))]
    sheet = np.concatenate([np.pad(one, ((0, 0), (0, 8), (0, 0)), constant_values=255)
                            for one in shown], axis=1)  # fmt: skip
    sys.stdout.write(f"{first}, {second}; {question}: {found.text}\n")
    return PIL.Image.fromarray(sheet).resize((sheet.shape[1] * 2, sheet.shape[0] * 2))


def tested() -> PIL.Image.Image:
    """Three maps of one picture with a badge, each with what its test says of the network that
    goes by the badge.
    """
    scene = scenes.scene(SCENE, mark=True)
    cheat = xh.network("demo-cheat")
    ask = {"target": scene.category, "test": True}
    told = xh.explain(cheat, scene.image, **ask)
    early = xh.explain(cheat, scene.image, layer="stem", **ask)
    drawn = replace(told, map=scene.mask.astype(np.float32), tested=None).test(cheat)
    shown = [(told, "Grad-CAM"), (drawn, "the animal"), (early, "early layer")]
    page = sheet(
        [scene.image, *(one.overlay(contour=False, mute=False) for one, _ in shown)],
        ["the picture", *(f"{name}: {one.tested.short}" for one, name in shown)],
        columns=4,
        size=340,
        heading=f"Why does the network say {scene.label}? Three maps, and what each predicts",
    )
    return PIL.Image.fromarray(page)


def trained() -> PIL.Image.Image:
    """Film of a training: four pictures after five epochs, by the example."""
    sys.path.insert(0, str(HERE.parent / "examples"))
    example = importlib.import_module("watch_training")

    return PIL.Image.fromarray(example.main(to=None).film())


def main() -> None:
    """Write the pictures."""
    network = xh.network(orange, image_shape=(3, 224, 224))
    seen = xh.explain(
        network, CHELSEA, preprocess={"mode": "unit", "fit": "crop"}, method="occlusion", target=0
    )
    picture = PIL.Image.fromarray(seen.overlay(caption=True))
    picture.save(PICTURES[0], quality=88)
    heart = xh.explain(
        xh.network(spike, image_shape=(2, 600)), beats(), method="occlusion", target=0
    )
    PIL.Image.fromarray(heart.overlay()).save(PICTURES[1], optimize=True)
    words().save(PICTURES[2], optimize=True)
    tested().save(PICTURES[3], quality=88)
    trained().save(PICTURES[4], quality=88)


if __name__ == "__main__":
    main()
