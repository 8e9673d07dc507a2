"""Heatmaps of boxes where the truth is known: ``python -m benchmarks.detectors``.

make detectors                                # 200 boxes of each of three detectors; minutes
make detectors DETECTORS="--boxes 40"         # a first look
make detectors DETECTORS="--write"            # the tables of docs/detectors.md anew
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from training.detectors.models import KINDS
from training.detectors.planted import NAMES, SIDE, planted
from training.detectors.weights import opened

import xai_heatmap as xh
from benchmarks.tables import put, table
from xai_heatmap.core.arrays import Heat
from xai_heatmap.core.boxes.overlap import overlaps
from xai_heatmap.core.geometry import stretched
from xai_heatmap.metrics.localisation.pointing import pointing
from xai_heatmap.render.heat import heat as drawn_out
from xai_heatmap.scenes import Scene

FIRST = 10_000
"""The first seed; training takes seeds of three million and more."""

SURE, NEAR = 0.5, 0.5
"""Probability and overlap with an object from which on a box is measured."""

FAINT = 0.01
"""Share of the score below which a level's evidence is next to nothing."""

PAGE = Path(__file__).parents[1] / "docs" / "detectors.md"
KEPT = Path(__file__).with_name("detectors.json")
"""The figures behind the tables, so that one detector can be measured again alone."""

DEFAULT, PEAKS = "without a word", "each level by its peak"
Rows = dict[str, list[float]]

HOW = {"preprocess": "tf", "labels": list(NAMES)}
"""How the detectors take a picture, and what their classes are called."""

METHODS = ("layercam", "gradcam", "hirescam", "layercam_fused", "refinecam")


@dataclass(frozen=True)
class Found:
    """A box that a detector found, with the object that it lies on."""

    scene: Scene
    number: int
    own: int


@cache
def network(kind: str) -> xh.Network:
    """Trained detector of that kind, opened."""
    return opened(kind)


def found_in(kind: str, count: int) -> Iterator[Found]:
    """So many boxes, each on an object of its class, of scenes that were not learnt from."""
    seed = FIRST
    while count:
        scene = planted(seed)
        seed += 1
        try:
            every = xh.compare(
                network(kind), scene.image, methods=["layercam"], targets=xh.boxes(SURE), **HOW
            )
        except xh.XaiHeatmapError:
            continue
        for own_box in (e.detection for e in every):
            if own_box is None or own_box.number is None:
                continue
            box = np.array(own_box.box, np.float32)
            near = overlaps(box, np.array([o.box for o in scene.objects], np.float32))
            own = int(near.argmax())
            if near[own] >= NEAR and scene.objects[own].category == own_box.index and count:
                count -= 1
                yield Found(scene, own_box.number, own)


def ours(kind: str, found: Found, *, method: str | None) -> tuple[Heat, float]:
    """Heat of the default layer, and the share of it in faint evidence, which it has none of."""
    e = xh.explain(
        network(kind), found.scene.image, method=method, target=xh.box(found.number), **HOW
    )
    by_level = levels(kind, found)
    faint = e.layer.name in by_level and by_level[e.layer.name][1] < FAINT
    return np.maximum(e.heat(), 0), float(faint)


def each_by_its_peak(kind: str, found: Found) -> tuple[Heat, float]:
    """LayerCAM at every input of the head, each divided by its own peak, the highest of them; and
    the share of that heat which comes from levels of faint evidence.
    """
    total, faint = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), bool)
    for map_, share in levels(kind, found).values():
        if map_.max() <= 0:
            continue
        own = drawn_out(map_ / map_.max(), stretched((SIDE, SIDE), (SIDE, SIDE)))
        higher = own > total
        faint[higher] = share < FAINT
        total = np.maximum(total, own)
    return total, float(total[faint].sum() / max(total.sum(), 1e-12))


@cache
def levels(kind: str, found: Found) -> Mapping[str, tuple[np.ndarray, float]]:
    """LayerCAM at every input of the head, and its share of the evidence of all of them."""
    heads = list(network(kind).survey((3, SIDE, SIDE)).heads)
    every = xh.compare(
        network(kind), found.scene.image, methods=["layercam"], layers=heads,
        targets=[xh.box(found.number)], **HOW,
    )  # fmt: skip
    sums = {e.layer.name: float(e.map.sum()) for e in every}
    whole = max(sum(sums.values()), 1e-12)
    return {e.layer.name: (e.map, sums[e.layer.name] / whole) for e in every}


def measured(
    kind: str, boxes: Sequence[Found], rule: Callable[..., tuple[Heat, float]]
) -> np.ndarray:
    """Heat ÷ chance, share of boxes pointed at, heat on the other object, heat in faint evidence,
    as means over the boxes.
    """
    rows = []
    for found in boxes:
        heat, faint = rule(kind, found)
        own, other = found.scene.objects[found.own], found.scene.objects[1 - found.own]
        whole = heat.sum()
        if whole <= 0:
            rows.append((0.0, 0.0, 0.0, 0.0))
            continue
        left, top, right, bottom = own.box
        box = np.zeros(heat.shape, bool)
        box[top:bottom, left:right] = True
        rows.append((
            float(heat[own.mask].sum() / whole / own.mask.mean()),
            pointing(heat, box),
            float(heat[other.mask].sum() / whole),
            faint,
        ))  # fmt: skip
    return np.mean(rows, axis=0)


def figures(kind: str, count: int, methods: Sequence[str]) -> Rows:
    """The rows of one detector: rule, and its four figures."""
    boxes = list(found_in(kind, count))
    rules = {name: partial(ours, method=name) for name in methods}
    rules = {DEFAULT: partial(ours, method=None), **rules, PEAKS: each_by_its_peak}
    return {name: [*map(float, measured(kind, boxes, rule))] for name, rule in rules.items()}


def shown(kept: Mapping[str, Rows]) -> str:
    """The table of all detectors and rules."""
    lines = [
        (kind, name, f"{gain:.1f}", f"{points:.1%}", f"{other:.2%}", f"{faint:.1%}")
        for kind, rows in kept.items()
        for name, (gain, points, other, faint) in rows.items()
    ]
    head = ("head", "map", "heat ÷ chance", "pointing", "on the other object", "in faint evidence")
    return table(head, lines)


def picture() -> None:
    """Draw the sheet of all boxes of one scene for the page."""
    every = xh.compare(network("per level"), planted(3).image, targets=xh.boxes(SURE), **HOW)
    sheet = PIL.Image.fromarray(every.sheet(columns=3))
    sheet.save(PAGE.parent / "images" / "detectors.jpg", quality=88)


def speed(sides: Sequence[int] = (320, 640), boxes: int = 20) -> str:
    """The table of what boxes cost, in processor time beside the detector's own forward pass."""
    torch.set_num_threads(1)
    lines = []
    for side in sides:
        model = KINDS["per level"]().eval()
        own = xh.network(model, image_shape=(3, side, side), answers="boxes")
        image = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
        x = torch.rand(1, 3, side, side)
        how = {"preprocess": xh.Preprocess("tf", input_size=(side, side), fit="stretch")}

        def asked(count: int, own=own, image=image, how=how) -> Callable[[], object]:
            targets = xh.boxes(0, most=count)
            return lambda: xh.compare(own, image, targets=targets, **how)

        def forward(model=model, x=x) -> None:
            with torch.inference_mode():
                model(x)

        alone, one, many = (least(run) for run in (forward, asked(1), asked(boxes)))
        lines.append((f"{side}x{side}", f"{one / alone:.2f}", f"{many / one:.1f}"))
    return table(("picture", "a box ÷ forward pass", f"{boxes} boxes ÷ 1"), lines)


def least(run: Callable[[], object], times: int = 5) -> float:
    """Processor time of the quickest of some runs, in seconds."""
    run()
    found = []
    for _ in range(times):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found)


def written(page: Path, name: str, text: str) -> None:
    """Put a table between its marks in a page."""
    put(page, (f"<!-- figures: {name} -->", f"<!-- end of figures: {name} -->"), text)


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=200)
    parser.add_argument("--methods", type=lambda text: text.split(","), default=METHODS)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS))
    parser.add_argument("--write", action="store_true", help="put the tables into the page")
    parser.add_argument("--speed", action="store_true", help="also what boxes cost")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    kept = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {"rows": {}, "speed": ""}
    for kind in asked.kinds:
        kept["rows"][kind] = figures(kind, asked.boxes, asked.methods)
        print(shown({kind: kept["rows"][kind]}), flush=True)
    if asked.speed:
        kept["speed"] = speed()
        print(kept["speed"])
    if asked.write:
        kept["rows"] = {kind: kept["rows"][kind] for kind in KINDS if kind in kept["rows"]}
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
        written(PAGE, "detectors", shown(kept["rows"]))
        written(PAGE, "detectors: speed", kept["speed"])
        picture()


if __name__ == "__main__":
    main()
