"""Whether the test of maps can be trusted, measured: ``python -m benchmarks.trust PART ...``.

make trust                          # every part; what was done before goes on where it stopped
make trust TRUST="scenes --count 40"
make trust TRUST="--write"          # the tables into benchmarks/trust.md

Parts: scenes (planted, with causal truth), metrics (what each metric says of maps and controls on
such scenes), cheat, squeezenet, mobilenet, deit (the reference photographs), peers-squeezenet and
peers-mobilenet (the same methods of other packages), blind (what the test can't see), cost. Rows
are kept in .venv/trust, or the folder $TRUST_ROWS, one file a part: a part that was stopped, or
asked for with a higher --count, goes on where it stopped. Remove the file of a part when what it
measures has changed.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import xai_heatmap as xh
from benchmarks.trust_blind import blind_rows
from benchmarks.trust_metrics import metric_rows
from benchmarks.trust_peers import beside
from benchmarks.trust_tables import Row, document
from xai_heatmap import scenes
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.question import Question, questions
from xai_heatmap.explaining.request import choice
from xai_heatmap.explaining.testing import Trial, on_patches
from xai_heatmap.metrics.parts.blocks import blocks_of, over_places

ROOT = Path(__file__).resolve().parents[1]
ROWS = Path(os.environ.get("TRUST_ROWS", ROOT / ".venv" / "trust"))
REFERENCE = Path(os.environ.get("XAI_HEATMAP_REFERENCE", ROOT.parent / "shared" / "reference"))
PHOTOGRAPHS = [
    file for part in ("images", "more_images") for file in sorted((REFERENCE / part).glob("*"))
]
FIRST = 80_000
"""The first seed of the scenes; the shipped networks learnt from seeds of a million and more."""

CAMS = ("gradcam", "layercam", "hirescam")
SURE = 0.5
ORDERS = 6
"""Orders of the patches, each also backwards, that Shapley values are drawn from."""


def main() -> None:
    """Measure the parts named, or all, and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--count", type=int, default=0, help="scenes or photographs at most")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    ROWS.mkdir(parents=True, exist_ok=True)
    for part in asked.parts or ([] if asked.write else PARTS):
        _kept(part, PARTS[part], asked.count)
    page = Path(__file__).with_suffix(".md")
    kept = page.read_text("utf-8") if asked.write and page.exists() else ""
    text = document({part: _rows(part) for part in PARTS}, kept)
    print(text)
    if asked.write:
        page.write_text(text, "utf-8")


def _rows(part: str) -> list[Row]:
    path = ROWS / f"{part}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _kept(part: str, make: Callable[[set[str], int], Iterator[Row]], count: int) -> None:
    """Rows of a part, each written as soon as it is made; those that are there are not made."""
    done = {row["key"] for row in _rows(part)}
    with (ROWS / f"{part}.jsonl").open("a") as file:
        for row in make(done, count):
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(part, row["key"], flush=True)


def _trial(network: xh.Network, picture: Any, target: Any, prep: Any = None, **how: Any) -> Trial:
    given = prepare(picture, prep, network)
    return Trial(questions(network, given, [choice(target)]), **how)


def _told(trial: Trial, map_: np.ndarray) -> Row:
    found = trial(np.ascontiguousarray(map_, np.float32))
    return {"word": found.word, "t": found.agreement, "p": found.p, "moved": found.moved,
            "place": found.place, "doubtful": found.doubtful}  # fmt: skip


def _controls(map_: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Maps that know nothing, on a grid of 16x16."""
    fake = np.ones((16, 16))
    fake[0, 0] = 0
    coarse = np.kron(random.random((4, 4)), np.ones((4, 4)))
    return {"random": random.random((16, 16)), "smooth random": coarse, "constant": np.ones((4, 4)),
            "FakeCAM": fake, "negative": -map_}  # fmt: skip


def _scenes(done: set[str], count: int) -> Iterator[Row]:
    """Planted scenes and the honest network."""
    network = xh.network("demo")
    for seed in range(FIRST, FIRST + (count or 200)):
        if str(seed) in done:
            continue
        scene = scenes.scene(seed)
        maps = {
            f"{one.method}@{one.layer.name}": one.map
            for one in xh.compare(network, scene.image, methods=[*CAMS, "eigencam"],
                                  layers=["stem", "features"])
        }  # fmt: skip
        random = np.random.default_rng(seed)
        others = [
            xh.explain(network, scenes.scene(seed + 500 + n).image, method="layercam").map
            for n in range(2)
        ]
        maps |= _controls(maps["layercam@features"], random)
        maps |= {f"other scene {n}": own for n, own in enumerate(others)}
        trial = _trial(network, scene.image, None)
        row: Row = {
            "key": str(seed),
            "maps": {name: _told(trial, own) for name, own in maps.items()},
        }
        again = _trial(network, scene.image, None, seed=1)
        row["again"] = {name: _told(again, maps[name]) for name in maps if "@" in name}
        if seed % 3 == 0:
            truth, where = _causal(trial.questions[0], scenes.empty(seed).image)
            blocks = blocks_of(trial.questions[0].given.x.shape[1:])
            row["plate"] = {
                name: _correlated(on_patches(np.asarray(own, np.float32), blocks)[where], truth)
                for name, own in maps.items()
            }
        yield row


def _correlated(some: np.ndarray, others: np.ndarray) -> float:
    return (
        float(np.corrcoef(some, others)[0, 1]) if np.ptp(some) > 0 and np.ptp(others) > 0 else 0.0
    )


def _causal(question: Question, plate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values of the patches in which a scene differs from its clean plate, and where these
    patches are.
    """
    x = question.given.x
    empty = prepare(plate, None, question.network).x
    blocks = blocks_of(x.shape[1:])
    numbers = blocks.owners
    differs = np.abs(x - empty).max(axis=0) > 0.02
    own = [n for n in range(64) if differs[numbers == n].any()]
    random, worth = np.random.default_rng(0), np.zeros(len(own))
    for _ in range(ORDERS):
        order = random.permutation(len(own))
        for way in (order, order[::-1]):
            shown = np.zeros(64, bool)
            pictures = [empty]
            for place in way:
                shown[own[place]] = True
                here = over_places(shown.reshape(8, 8), blocks)
                pictures.append(np.where(here, x, empty))
            values = question.values(np.stack(pictures).astype(np.float32))
            worth[way] += np.diff(values)
    where = np.isin(np.arange(64), own).reshape(8, 8)
    return worth / (2 * ORDERS), where


def _cheat(done: set[str], count: int) -> Iterator[Row]:
    """The network that cheats, on scenes with its mark and without."""
    network = xh.network("demo-cheat")
    for seed in range(FIRST + 10_000, FIRST + 10_000 + (count or 100)):
        if str(seed) in done:
            continue
        row: Row = {"key": str(seed), "maps": {}}
        for kind in ("with", "without"):
            scene = scenes.scene(seed, mark=kind == "with")
            trial = _trial(network, scene.image, scene.category)
            row["maps"][f"object, {kind} mark"] = _told(trial, scene.mask)
            if scene.mark is not None:
                row["maps"]["mark"] = _told(trial, scene.mark.mask)
            one = xh.explain(network, scene.image, method="layercam", target=scene.category)
            row["maps"][f"layercam, {kind} mark"] = _told(trial, one.map)
        yield row


def _photographs(model: str, prep: Any, methods: Sequence[str]) -> Callable[..., Iterator[Row]]:
    def rows(done: set[str], count: int) -> Iterator[Row]:
        network = _reference(model)
        known = {row["key"]: row for row in _rows(model)}
        other: np.ndarray | None = None
        for file in PHOTOGRAPHS[: count or None]:
            if file.name in known:
                continue
            compared = xh.compare(network, file, methods=list(methods), preprocess=prep)
            sure = compared[0].predictions[0].probability
            if sure < SURE:
                yield {"key": file.name, "maps": {}}
                continue
            maps = {one.method: one.map for one in compared}
            own = maps[methods[0]]
            random = np.random.default_rng(len(file.name) + int(1e6 * sure))
            maps |= _controls(own, random)
            if other is not None:
                maps["other photograph"] = other
            other = own
            target = compared[0].index
            trial = _trial(network, file, target, prep)
            again = _trial(network, file, target, prep, seed=1)
            yield {
                "key": file.name,
                "maps": {name: _told(trial, map_) for name, map_ in maps.items()},
                "again": {name: _told(again, map_) for name, map_ in maps.items()},
            }

    return rows


def _reference(model: str) -> xh.Network:
    """A network of the reference folder."""
    files = {"squeezenet": "squeezenet1_1.onnx", "mobilenet": "mobilenet_v1_025_224.onnx"}
    if model in files:
        return xh.network(str(REFERENCE / "models" / files[model]))
    import importlib.util

    spec = importlib.util.spec_from_file_location("reference", REFERENCE / "reference_models.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"There is no {REFERENCE}.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return xh.network(module.deit_tiny_clipped(str(REFERENCE / "models" / "deit_tiny_clipped.npz")))


def _cost(done: set[str], count: int) -> Iterator[Row]:
    """Processor seconds of testing a sheet of 114 maps beside those of 62 batched passes."""
    for name in ("demo", "squeezenet"):
        if name in done:
            continue
        network = xh.network("demo") if name == "demo" else _reference(name)
        picture = scenes.scene(FIRST).image
        prep = None if name == "demo" else "torch"
        question = _trial(network, picture, None, prep).questions[0]
        batch = np.repeat(question.given.x[None], 31, axis=0)
        maps = np.random.default_rng(0).random((114, 16, 16)).astype(np.float32)
        passes, tests = [], []
        for _ in range(count or 9):
            trial = _trial(network, picture, None, prep)
            start = time.process_time()
            for _ in range(2):
                question.recording.replay("input", batch, row=0)
            middle = time.process_time()
            for one in maps:
                trial(one)
            passes.append(middle - start)
            tests.append(time.process_time() - middle)
        yield {"key": name, "passes": passes, "tests": tests}


PARTS: dict[str, Callable[[set[str], int], Iterator[Row]]] = {
    "scenes": _scenes,
    "metrics": metric_rows(FIRST + 20_000, _causal),
    "cheat": _cheat,
    "squeezenet": _photographs("squeezenet", "torch", CAMS),
    "mobilenet": _photographs("mobilenet", "tf", CAMS),
    "deit": _photographs("deit", "imagenet", ("reciprocam", "attention_relevance", "libragrad")),
    "blind": blind_rows(FIRST + 30_000),
    "peers-squeezenet": beside("squeezenet", "torch", PHOTOGRAPHS),
    "peers-mobilenet": beside("mobilenet", "tf", PHOTOGRAPHS),
    "cost": _cost,
}


if __name__ == "__main__":
    main()
