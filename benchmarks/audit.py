"""Audits of the shipped and the reference networks: ``python -m benchmarks.audit NAME ...``.

python -m benchmarks.audit                      # all of them; what was done before goes on
python -m benchmarks.audit demo cheat unmarked  # those of the networks that come along
python -m benchmarks.audit --write              # what is there, as tables into docs/audit.md

Names: demo, cheat, unmarked (planted scenes), squeezenet, mobilenet, registration (the reference
photographs). Audits lie in .venv/audits, or the folder $AUDITS, with their pages.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

import xai_heatmap as xh
from benchmarks.tables import put
from xai_heatmap import scenes
from xai_heatmap.explaining.auditing.figures import wilson
from xai_heatmap.explaining.auditing.registration import registration
from xai_heatmap.explaining.auditing.weights import Shuffling, parts_of
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.question import questions
from xai_heatmap.explaining.testing import Trial
from xai_heatmap.runners.audit.tables import Cell, Table, holding, number, offsets, prepared

ROOT = Path(__file__).resolve().parents[1]
PLACE = Path(os.environ.get("AUDITS", ROOT / ".venv" / "audits"))
REFERENCE = Path(os.environ.get("XAI_HEATMAP_REFERENCE", ROOT.parent / "shared" / "reference"))
PAGE = ROOT / "docs" / "audit.md"
MARKS = "<!-- measured: python -m benchmarks.audit --write -->", "<!-- end -->"

SCENES, FIRST = 40, 70_000
"""Planted scenes, and the first seed; the shipped networks learnt from seeds of a million and more.
"""

PHOTOGRAPHS, CLOSER = 100, 24

NAMES = {
    "demo": "the honest network that comes along, on scenes with their own badge",
    "cheat": "the network that goes by badges, on the same scenes",
    "unmarked": "the network that goes by badges, on scenes without any",
    "squeezenet": f"SqueezeNet 1.1 as ONNX, on {PHOTOGRAPHS} photographs",
    "mobilenet": "MobileNet v1 0.25 as Keras, on 16 photographs",
}


def drawn(mark: bool) -> Path:
    """Folder of planted scenes, each class in turn."""
    folder = PLACE / ("scenes-marked" if mark else "scenes-unmarked")
    folder.mkdir(parents=True, exist_ok=True)
    for one in range(SCENES):
        PIL.Image.fromarray(_scene(one, mark).image).save(folder / f"{one:03d}.png")
    return folder


def _scene(one: int, mark: bool) -> Any:
    own = scenes.CLASSES[one % len(scenes.CLASSES)]
    return scenes.scene(FIRST + one, category=own, mark=mark, size=128)


def audited(name: str) -> dict[str, Any]:
    """The audit of that name, begun or gone on with; what it cost beside it."""
    start = time.process_time()
    out = PLACE / name
    photographs = [REFERENCE / "images", REFERENCE / "more_images"]
    if name in ("demo", "cheat", "unmarked"):
        model = "demo" if name == "demo" else "demo-cheat"
        found = xh.audit(model, drawn(name != "unmarked"), out=out, closer=CLOSER)
    elif name == "squeezenet":
        model = REFERENCE / "models" / "squeezenet1_1.onnx"
        found = xh.audit(
            model, photographs, out=out, preprocess="imagenet", most=PHOTOGRAPHS, closer=CLOSER
        )
    else:
        model = REFERENCE / "models" / "mobilenet_v1_025_224.keras"
        found = xh.audit(model, photographs[:1], out=out, preprocess="tf", closer=CLOSER)
    spent = time.process_time() - start
    kept = PLACE / f"{name}.seconds.json"
    before = json.loads(kept.read_text()) if kept.exists() else 0.0
    kept.write_text(json.dumps(before + spent))
    print(f"{name}: {spent:.0f} s of processor time, {found.page}")
    return found.to_dict()


def what_moves() -> dict[str, list[str]]:
    """For both networks and every scene with its badge, what the test says of the badge's own mask
    and of the object's.
    """
    found: dict[str, list[str]] = {}
    for model in ("demo", "demo-cheat"):
        network = xh.network(model)
        for one in range(SCENES):
            scene = _scene(one, mark=True)
            given = prepare(scene.image, None, network)
            trial = Trial(questions(network, given, [scene.category]))
            for what, mask in (("badge", scene.mark.mask), ("object", scene.mask)):
                word = trial(mask.astype(np.float32)).word
                found.setdefault(f"{model}, {what}", []).append(word)
    return found


def registrations() -> dict[str, list[float]]:
    """Offsets of MobileNet's last cells, down and right: as it was trained, and with every weight
    in another order.
    """
    network = xh.network(str(REFERENCE / "models" / "mobilenet_v1_025_224.onnx"))
    layer = network.survey((3, 224, 224)).auto
    parts = parts_of(network.survey((3, 224, 224)), [layer])
    other = network.redrawn(Shuffling(parts, frozenset({0, 1})))
    found: dict[str, list[list[float]]] = {"trained": [], "drawn again": []}
    for path in sorted((REFERENCE / "images").glob("n*"))[:12]:
        x = prepare(str(path), "tf", network).x
        for name, own in (("trained", network), ("drawn again", other)):
            one = registration(own, x, [layer])[layer]
            if one is not None:
                found[name].append(list(one.offset))
    return {name: list(np.mean(rows, axis=0)) for name, rows in found.items()}


def measured() -> str:
    """All that was measured, as tables."""
    parts = []
    for name, said in NAMES.items():
        file = PLACE / name / "audit.json"
        if not file.exists():
            continue
        document = json.loads(file.read_text())
        kept = PLACE / f"{name}.seconds.json"
        cost = f" {json.loads(kept.read_text()):.0f} s of processor time." if kept.exists() else ""
        parts += [f"### {said[0].upper()}{said[1:]}", _told(document) + cost]
        parts += [_table(holding(document))]
        if name in ("squeezenet", "mobilenet"):
            parts += [_table(prepared(document)), _table(offsets(document))]
    beside = PLACE / "masks.json"
    if beside.exists():
        parts += [
            "### What moves the score of both networks",
            _masks(json.loads(beside.read_text())),
        ]
    beside = PLACE / "registration.json"
    if beside.exists():
        rows = [
            [Cell(name), Cell(number(down)), Cell(number(right))]
            for name, (down, right) in json.loads(beside.read_text()).items()
        ]
        parts += [
            "### Where the last cells of MobileNet look",
            "In pixels of the input of 224, down and right of where they are drawn; a cell is 32.",
            _table(Table(("weights", "down", "right"), rows)),
        ]
    return "\n\n".join(parts)


def _told(document: dict[str, Any]) -> str:
    found = [one["text"] for one in document["findings"]] or ["Nothing was found."]
    name = document["recommended"]["name"]
    said = " ".join(document["recommended"]["because"])
    return f"{' '.join(found)}\n\nRecommended: {f'`{name}`' if name else 'no map'}. {said}"


def _masks(words: dict[str, list[str]]) -> str:
    rows = []
    for name, each in words.items():
        passed = each.count("predicts")
        low, high = wilson(passed, len(each))
        rows.append(
            [Cell(name), Cell(f"{passed} of {len(each)}"), Cell(f"{low:.0%} to {high:.0%}")]
        )
    return _table(Table(("network, mask", "predicts what moves the score", "95 %"), rows))


def _table(table: Table) -> str:
    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cells)} |"

    rows = [
        [f"{one.text}{f' ({one.small})' if one.small else ''}" for one in row] for row in table.rows
    ]
    return "\n".join([line(list(table.head)), line(["---"] * len(table.head)), *map(line, rows)])


def main() -> None:
    reading = argparse.ArgumentParser(description=__doc__)
    reading.add_argument("names", nargs="*")
    reading.add_argument("--write", action="store_true")
    asked = reading.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    wanted = asked.names or ([] if asked.write else [*NAMES, "masks", "registration"])
    for name in wanted:
        if name in ("masks", "registration"):
            found = what_moves() if name == "masks" else registrations()
            (PLACE / f"{name}.json").write_text(json.dumps(found))
        else:
            audited(name)
    text = measured()
    if asked.write:
        put(PAGE, MARKS, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
