"""Drift between both shipped networks, on planted scenes: ``python -m benchmarks.drift``.

python -m benchmarks.drift --write            # table into docs/data-sets.md, figure beside it
python -m benchmarks.drift --scenes 40        # fewer of a class

The same scenes, each with its object's own mark, are explained by the honest network and by the one
that goes by marks. What moves without a reason is the honest network's run over the scenes cut a
little closer. A run held against one of the same network, and the two networks against each other.
"""

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image

import xai_heatmap as xh
from benchmarks import machine, tables
from xai_heatmap import scenes
from xai_heatmap.render.sheet import sheet
from xai_heatmap.runners.batch.drift import Drift
from xai_heatmap.runners.batch.stored import StoredRun

ROOT = Path(__file__).resolve().parents[1]
PAGE, FIGURE = ROOT / "docs" / "data-sets.md", ROOT / "docs" / "images" / "drift.png"
MARKS = ("<!-- figures: drift -->", "<!-- end of figures: drift -->")

FIRST = 90_000
"""First seed: networks learnt from seeds of a million and more, audits took those from 70,000."""

SHOWN = ("mug", "fish", "bus", "cat")
"""Classes of the figure; the first scene of each."""


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=20, help="of each class")
    parser.add_argument("--write", action="store_true", help="put table and figure into docs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        listed = planted(place / "scenes", asked.scenes)
        honest = xh.batch(listed, "demo", out=place / "honest")
        cheat = xh.batch(listed, "demo-cheat", out=place / "cheat")
        cut = {
            share: xh.batch(
                listed, "demo", out=place / f"cut-{share}", preprocess=closer(place, share)
            )
            for share in (0.95, 0.97)
        }
        found = xh.drift(honest, cheat, noise=cut[0.95])
        same = xh.drift(honest, cut[0.97], noise=cut[0.95])
        text = told(found, same)
        print(text)
        if asked.write:
            PIL.Image.fromarray(drawn(honest, cheat)).save(FIGURE, optimize=True)
            tables.put(PAGE, MARKS, text)


def planted(folder: Path, each: int) -> Path:
    """Manifest of so many scenes of each class, with their marks and labels."""
    folder.mkdir(parents=True)
    with (folder / "list.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["uri", "label"])
        for number in range(each * len(scenes.CLASSES)):
            own = scenes.CLASSES[number % len(scenes.CLASSES)]
            one = scenes.scene(FIRST + number, category=own, mark=True, size=128)
            PIL.Image.fromarray(one.image).save(folder / f"{number:04d}.png")
            rows.writerow([f"{number:04d}.png", own])
    return folder / "list.csv"


def closer(place: Path, share: float) -> dict[str, object]:
    """Preprocessing of the honest network, with a little more cut off on all sides."""
    picture = np.zeros((128, 128, 3), np.uint8)
    PIL.Image.fromarray(picture).save(place / "black.png")
    own = dict(xh.explain("demo", picture).preprocess or {})
    words = ("mode", "mean", "std", "input_size", "resampling")
    kept = {key: own[key] for key in words if own.get(key)}
    return kept | {"fit": "crop", "ratio": share}


def told(found: Drift, same: Drift) -> str:
    """The table of classes and what it comes to."""
    said = {True: "moved", False: "", None: "too few"}
    rows = [
        (
            one.name, str(one.pictures), str(one.changed), f"{one.shift:.2f}", f"{one.noise:.2f}",
            f"{one.low:.2f} to {one.high:.2f}", said[one.moved],
        )
        for one in found.classes
    ]  # fmt: skip
    head = ("class", "pictures", "other class", "heat elsewhere", "noise", "beyond it", "")
    return (
        f"{machine.line([])}\n\n{tables.table(head, rows)}\n\n"
        f"`demo` and `demo-cheat`: the heat of {len(found.moved)} of {len(found.classes)} classes "
        f"moved. `demo` and itself over scenes cut by 3 %, by the same noise (cut by 5 %): "
        f"{len(same.moved)} of {len(same.classes)}."
    )


def drawn(honest: StoredRun, cheat: StoredRun) -> np.ndarray:
    """Scenes of a few classes with the heat of both networks, one above the other."""

    ids = [f"{scenes.CLASSES.index(name):04d}.png" for name in SHOWN]
    tiles, titles = [], []
    for run, said in ((honest, "demo"), (cheat, "demo-cheat")):
        for one in ids:
            found = run[one]
            tiles.append(found.overlay())
            titles.append(f"{said}: {found.target}")
    return sheet(tiles, titles, columns=len(ids))


if __name__ == "__main__":
    main()
