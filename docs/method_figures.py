"""Draw docs/methods/images, a planted scene as every method sees it.

python docs/method_figures.py                    # all of them, some minutes
python docs/method_figures.py gradcam layercam   # these alone
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

import xai_heatmap as xh
import xai_heatmap.methods  # registers every method
from xai_heatmap import metrics, scenes
from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.core.registry import METHODS
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.render.contour import contour
from xai_heatmap.render.sheet import sheet

FOLDER = Path(__file__).resolve().parent / "methods" / "images"
FACTS = FOLDER.parent / "figures.json"
"""What each figure shows, for its caption."""

SCENE = (49, "bird")
"""Seed and class."""

SHALLOW = "stage1.block1"

SIDE, TILE, LARGEST = 384, 256, 30_000
"""Pixels of the scene and of a tile; bytes of a figure."""


def main(names: list[str]) -> None:
    """Draw the methods named, or all, and keep what they show."""
    kept = json.loads(FACTS.read_text("utf-8")) if FACTS.exists() else {}
    FOLDER.mkdir(exist_ok=True, parents=True)
    network = xh.network("demo")
    for name in names or METHODS:
        kept[name] = list(_drawn(network, name))
        print(name, kept[name])
    kept = {name: kept[name] for name in sorted(kept) if name in METHODS}
    FACTS.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    for path in FOLDER.glob("*"):
        if path.stem.removeprefix("photo_") not in METHODS:
            path.unlink()


def _drawn(network: xh.Network, name: str) -> Iterator[dict[str, object]]:
    """The figure's maps as facts; writes the figure where there is a map."""
    seed, category = SCENE
    scene = scenes.scene(seed, category=category, size=SIDE)
    truth = scene.mask.astype(np.float32)
    tiles: list[Image] = [contour(scene.image, truth)]
    titles = ["the picture; outlined: the object"]
    for layer in ("auto", SHALLOW):
        try:
            one = xh.explain(network, scene.image, method=name, layer=layer, target=category)
        except XaiHeatmapError as error:
            yield {"layer": layer, "refused": str(error)}
            continue
        tiles.append(contour(one.overlay(contour=False), truth))
        titles.append(f"{one.layer.name}, {'x'.join(map(str, one.map.shape))}")
        yield _facts(one, scene)
    _write(FOLDER / f"{name}.webp", tiles, titles)


def photographed(
    network: xh.Network, photo: str, name: str, folder: Path, **model: Any
) -> dict[str, object]:
    """Draw what a method says of a photograph at its own layer, as `folder`/photo_NAME.webp; its
    facts. `model` is what `explain` is told beside: `preprocess`, `labels`.
    """
    try:
        one = xh.explain(network, photo, method=name, **model)
    except XaiHeatmapError as error:
        return {"layer": "auto", "refused": str(error)}
    titles = ["the photograph", f"{one.layer.name}, {'x'.join(map(str, one.map.shape))}"]
    _write(folder / f"photo_{name}.webp", [one.image, one.overlay()], titles)
    word = one.verdict.word
    return {
        "network": one.network,
        "layer": one.layer.name,
        "verdict": word,
        "target": one.target,
        "score": one.score,
    }


def _write(path: Path, tiles: Sequence[Image], titles: Sequence[str]) -> None:
    """A sheet of one row, as good as `LARGEST` allows; none where there is no map."""
    path.unlink(missing_ok=True)
    if len(tiles) > 1:
        page = PIL.Image.fromarray(sheet(tiles, titles, columns=len(tiles), size=TILE, text=15))
        for quality in (82, 72, 62, 52):
            page.save(path, quality=quality, method=6)
            if path.stat().st_size <= LARGEST:
                break


def _facts(one: Explanation, scene: scenes.Scene) -> dict[str, object]:
    energy = metrics.energy(one.heat(scale="none"), scene.mask)
    return {
        "layer": one.layer.name,
        "verdict": one.verdict.word,
        "energy": round(float(energy), 3),
        "area": round(float(scene.mask.mean()), 3),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
