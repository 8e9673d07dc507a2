"""Which object a word is about, in a world whose truth is known: ``python -m benchmarks.words``.

The networks were taught by `training/towers.py` and `training/answering.py`; the scenes are others.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from training import answering, towers
from training.words import Asked, at_side, beside, knowledge

import xai_heatmap as xh
from benchmarks.tables import put, table
from xai_heatmap import scenes
from xai_heatmap.explaining.answer import UNMOVED
from xai_heatmap.scenes import CLASSES, Scene

FIRST = 20_000
"""The first seed; the networks learnt from seeds of a million and more."""

PAGE = Path(__file__).parents[1] / "docs" / "text-and-words.md"
MARKS = ("<!-- figures: words -->", "<!-- end of figures: words -->")

TEXT_METHODS = ("gradcam", "hirescam", "layercam")
WORD_METHODS = ("libragrad", "hirescam", "gradcam", "layercam")


def hit(heat: np.ndarray, box: Sequence[int]) -> bool:
    """Whether the hottest place lies in a box."""
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    return bool(heat.max() > 0 and box[0] <= column < box[2] and box[1] <= row < box[3])


def within(heat: np.ndarray, box: Sequence[int]) -> float:
    """Sum of the heat in a box."""
    left, top, right, bottom = box
    return float(np.maximum(heat, 0)[top:bottom, left:right].sum())


def named(scene: Scene, own: int, heat: np.ndarray) -> float:
    """Share of the heat on the object named, of that on both."""
    on = [within(heat, one.box) for one in scene.objects]
    return on[own] / max(sum(on), 1e-12)


def texts(method: str, count: int) -> list[float]:
    """Pointing on one object and on two; heat on the object named of two."""
    model, words = towers.shipped(), towers.Words()
    said = [f"a {one}" for one in CLASSES]
    network = xh.network(model, held=xh.text(said, processor=words), image_shape=(3, 128, 128))
    one, two, share = list[bool](), list[bool](), list[float]()
    for seed in range(FIRST, FIRST + count):
        scene = scenes.scene(seed)
        found = xh.explain(network, scene.image, preprocess="tf", method=method,
                           target=f"a {scene.label}")  # fmt: skip
        one.append(hit(found.heat(scale="none"), scene.box))
        pair = scenes.pair(seed)
        maps = xh.compare(network, pair.image, preprocess="tf", methods=[method],
                          targets=[f"a {own.label}" for own in pair.objects])  # fmt: skip
        for number, found in enumerate(maps):
            heat = found.heat(scale="none")
            two.append(hit(heat, pair.objects[number].box))
            share.append(named(pair, number, heat))
    return [float(np.mean(own)) for own in (one, two, share)]


def retrieved(count: int) -> float:
    """Share of unseen pictures whose own text is the likeliest of the twelve."""
    model, words = towers.shipped(), towers.Words()
    x = np.stack([scenes.scene(seed).image for seed in range(FIRST, FIRST + count)])
    with torch.inference_mode():
        scores = model(
            torch.from_numpy(x).permute(0, 3, 1, 2).float() / 127.5 - 1,
            words([f"a {one}" for one in CLASSES]),
        )
    own = [scenes.scene(seed).category for seed in range(FIRST, FIRST + count)]
    return float((scores.argmax(1).numpy() == np.array(own)).mean())


def asked_of(pair: Scene, chance: np.random.Generator) -> Iterable[Asked]:
    """Questions of a pair: two that an object decides, and one that needs no picture."""
    sides = [own.category for own in pair.objects]
    yield beside(sides, 1, "left")
    yield beside(sides, 0, "right")
    yield at_side(sides, ("left", "right")[chance.integers(2)])
    yield knowledge(chance)


def words(methods: Sequence[str], count: int, *, ask: Callable[..., Any] = xh.answer) -> Any:
    """By method the share of maps that point at the object that decides, of right answers; the
    share of right answers; what each token's change and movement were, with and without need of
    the picture.
    """
    model, processor = answering.shipped(), answering.processor()
    chance = np.random.default_rng(0)
    points: dict[str, list[bool]] = {method: [] for method in methods}
    right, looks, blind = list[bool](), list[Any](), list[Any]()
    for seed in range(FIRST, FIRST + count):
        pair = scenes.pair(seed)
        for asked in asked_of(pair, chance):
            found = ask(model, processor, pair.image, f"<s> <image> {asked.question}", tokens=2)
            first = found[0]
            right.append(first.text == asked.answer)
            (looks if asked.looks else blind).append((first.change, first.moved, right[-1]))
            if asked.decides is None or not right[-1]:
                continue
            for method in methods:
                one = found.explain(xh.token(1), method=method)
                heat = one.heat(scale="none")
                points[method].append(hit(heat, pair.objects[asked.decides].box))
    return points, right, np.array(looks, float), np.array(blind, float)


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=80, help="scenes that questions are asked of")
    parser.add_argument("--write", action="store_true", help="put the tables into the page")
    asked = parser.parse_args()
    rows = [
        [method, *(f"{100 * own:.1f} %" for own in texts(method, asked.scenes))]
        for method in TEXT_METHODS
    ]
    head = ["`xh.text`", "points at the one object", "at the object named of two",
            "heat on the object named ÷ on both"]  # fmt: skip
    points, right, looks, blind = words(WORD_METHODS, asked.pairs)
    flags = [float((own[:, 0] < UNMOVED).mean()) for own in (looks, blind)]
    own_text = (
        f"Own text likeliest of twelve, unseen pictures: {retrieved(asked.scenes):.1%}. "
        f"{asked.scenes} scenes of one object, as many of two."
    )
    flagged = (
        f"Answers that are right: {np.mean(right):.1%} of {len(right)}. Said without looking: "
        f"{flags[1]:.1%} of {len(blind)} answers that never needed the picture, {flags[0]:.1%} of "
        f"{len(looks)} that did."
    )
    answers = table(
        ["`xh.answer`", "points at the object that decides"],
        [[name, f"{100 * np.mean(own):.1f} % of {len(own)}"] for name, own in points.items()],
    )
    said = [table(head, rows), own_text, answers, flagged]
    print("\n\n".join(said))
    print("change, quantiles:", np.quantile(looks[:, 0], [0, 0.02, 0.05, 0.5]),
          np.quantile(blind[:, 0], [0.5, 0.95, 0.98, 1]))  # fmt: skip
    print("moved, quantiles:", np.quantile(looks[:, 1], [0, 0.05, 0.5]),
          np.quantile(blind[:, 1], [0.5, 0.95, 1]))  # fmt: skip
    if asked.write:
        put(PAGE, MARKS, "\n\n".join(said))


if __name__ == "__main__":
    main()
