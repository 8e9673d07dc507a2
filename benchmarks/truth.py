"""Which map is right, in a world whose truth is known: ``python -m benchmarks.truth``.

make truth                                   # every method, 500 scenes; hours
make truth TRUTH="--scenes 40"               # a first look
make truth TRUTH="--methods gradcam --write" # its rows in benchmarks/README.md anew, others stay

What was measured of a scene is kept in .venv/truth, or the folder $TRUTH_ROWS, as soon as it is
there: a run that was stopped, or more scenes or methods later, go on from it. Remove the folder
when a method has changed.
"""

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageFilter

import xai_heatmap as xh
import xai_heatmap.methods
from benchmarks.tables import put, table
from xai_heatmap import metrics, scenes
from xai_heatmap.core.arrays import Heat
from xai_heatmap.core.registry import METHODS
from xai_heatmap.scenes import Scene

LAYERS = ("stem", "stage1.block1", "stage1.block2", "features")
FIRST = 10_000
"""The first seed; the shipped networks learnt from seeds of a million and more."""

MANY_PASSES = frozenset({"head", "model", "again"})
"""What a method asks for that runs something many times; it is not measured at the first layer."""

FEW_PASSES = ("shapleycam",)
"""Methods that ask for it and run it twice."""

LAST = ("cam",)
"""Methods that are defined at one layer only, the last before the average."""

MARKS = ("<!-- figures: truth -->", "<!-- end of figures: truth -->")

Figures = dict[tuple[str, str, str], tuple[float, int]]
"""By method, layer and measure: the mean over the scenes, and how many they were."""

Answer = tuple[str, str, str, float]
"""Method, layer, measure, and the figure of one map."""

KEPT = Path(__file__).with_name("truth.json")
"""The figures behind the tables, so that one method can be measured again alone."""

ROWS = Path(os.environ.get("TRUTH_ROWS", KEPT.parents[1] / ".venv" / "truth"))
"""Where the figures of single scenes are kept, one file for each kind and process."""


@dataclass(frozen=True)
class Work:
    """A portion of scenes for one process."""

    seeds: Sequence[int]
    methods: Sequence[str]
    kind: str = field(default="objects")


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument("--pairs", type=int, default=100, help="scenes of two objects, of marks")
    convolved = [name for name, method in METHODS.items() if "attentions" not in method.needs]
    parser.add_argument("--methods", type=lambda text: text.split(","), default=convolved)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--peers", action="store_true", help="also as pytorch-grad-cam has them")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    parser.add_argument("--kept", action="store_true", help="of what was kept alone; run nothing")
    asked = parser.parse_args()
    found: dict[str, Figures] = {}
    for kind in ("objects", "pairs", "marks"):
        count = asked.scenes if kind == "objects" else min(asked.pairs, asked.scenes)
        found[kind] = measured(kind, asked.methods, count, 0 if asked.kept else asked.processes)
    if asked.peers:
        theirs = [name for name in asked.methods if name in PEERS]
        found["objects"] |= measured(
            "peers", theirs, asked.scenes, 0 if asked.kept else asked.processes
        )
    if asked.write:
        found = {kind: _longer(kept, found[kind]) for kind, kept in _kept().items()}
        _keep(found)
    text = document(found)
    print(text)
    if asked.write:
        put(Path(__file__).with_name("README.md"), MARKS, text)


def _longer(kept: Figures, found: Figures) -> Figures:
    """New figures in place of old ones; of maps that know nothing those of the more scenes."""
    fewer = {
        key
        for key, (_, count) in found.items()
        if key[0] in BASELINES and key in kept and kept[key][1] > count
    }
    return kept | {key: own for key, own in found.items() if key not in fewer}


def _kept() -> dict[str, Figures]:
    """What earlier runs wrote."""
    rows = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return {
        kind: {
            (method, layer, measure): (mean, count) for method, layer, measure, mean, count in part
        }
        for kind, part in ({"objects": [], "pairs": [], "marks": []} | rows).items()
    }


def _keep(found: Mapping[str, Figures]) -> None:
    lines = {
        kind: ",\n".join(
            json.dumps([*key, float(f"{mean:.6g}"), count]) for key, (mean, count) in part.items()
        )
        for kind, part in found.items()
    }
    text = ",\n".join(f'"{kind}": [\n{part}\n]' for kind, part in lines.items())
    KEPT.write_text(f"{{\n{text}\n}}\n")


def measured(kind: str, methods: Sequence[str], count: int, processes: int) -> Figures:
    """Every figure of one kind of scene; of what was measured before nothing is measured again, and
    in no process nothing at all.
    """
    ROWS.mkdir(parents=True, exist_ok=True)
    wanted = range(FIRST, FIRST + count)
    if processes:
        _measure(kind, methods, wanted, processes)
    total: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    told = {_told(kind, name) for name in methods} | (set(BASELINES) if kind != "peers" else set())
    for seed, found in _rows(kind).items():
        for answers in found.values() if seed in wanted else ():
            for method, layer, measure, number in answers:
                if method in told:
                    total[method, layer, measure].append(number)
    return {key: (float(np.mean(numbers)), len(numbers)) for key, numbers in total.items()}


def _measure(kind: str, methods: Sequence[str], wanted: range, processes: int) -> None:
    """Measure what is missing, and keep it."""
    done = _rows(kind)
    missing: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for names in _together(methods):
        for seed in wanted:
            if left := tuple(name for name in names if name not in done.get(seed, {})):
                missing[left].append(seed)
    portions = [
        Work(seeds[start : start + 10], names, kind)
        for names, seeds in missing.items()
        for start in range(0, len(seeds), 10)
    ]
    with ProcessPoolExecutor(processes) as pool:
        for number, _ in enumerate(pool.map(_portion, portions), start=1):
            print(f"\r{kind}: {number} of {len(portions)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _rows(kind: str) -> dict[int, dict[str, list[Answer]]]:
    """What earlier runs found, by seed and by what was asked for."""
    found: dict[int, dict[str, list[Answer]]] = defaultdict(dict)
    for file in sorted(ROWS.glob(f"{kind}-*.jsonl")):
        for line in file.read_text().splitlines():
            row = json.loads(line)
            for asked, answers in row["found"].items():
                found[row["seed"]][asked] = [tuple(answer) for answer in answers]
    return found


def _told(kind: str, name: str) -> str:
    return f"{name} of pytorch-grad-cam" if kind == "peers" else name


def _together(methods: Sequence[str]) -> list[list[str]]:
    """Methods of few passes, and those of many."""
    dear = [name for name in methods if _many_passes(name)]
    return [names for names in ([name for name in methods if name not in dear], dear) if names]


def _many_passes(name: str) -> bool:
    return bool(METHODS[name].needs & MANY_PASSES) and name not in FEW_PASSES


def _portion(work: Work) -> None:
    """Measure some scenes, and keep each as soon as it is there."""
    network = xh.network("demo-cheat" if work.kind == "marks" else "demo")
    with (ROWS / f"{work.kind}-{os.getpid()}.jsonl").open("a") as file:
        for seed in work.seeds:
            found: dict[str, list[Answer]] = {name: [] for name in work.methods}
            asked = {_told(work.kind, name): name for name in work.methods}
            for answer in KINDS[work.kind](network, seed, work.methods):
                found.setdefault(asked.get(answer[0], answer[0]), []).append(answer)
            file.write(json.dumps({"seed": seed, "found": found}) + "\n")
            file.flush()


Answers = Iterator[Answer]


def _objects(network: xh.Network, seed: int, methods: Sequence[str]) -> Answers:
    """Scenes of one object: does the map lie on it?"""
    scene = scenes.scene(seed)
    area = float(scene.mask.mean())
    for method, layer, heat in _heats(network, scene, methods, scene.category, seed):
        for name, measure in metrics.METRICS.items():
            yield method, layer, name, measure(heat, scene.mask)
        yield method, layer, "energy / area", metrics.energy(heat, scene.mask) / area


def _pairs(network: xh.Network, seed: int, methods: Sequence[str]) -> Answers:
    """Scenes of two objects: does the map of each class lie on its own?"""
    scene = scenes.pair(seed)
    for own, other in (scene.objects, scene.objects[::-1]):
        for method, layer, heat in _heats(network, scene, methods, own.category, seed):
            on_own, on_other = (metrics.energy(heat, one.mask) for one in (own, other))
            both = on_own + on_other
            yield method, layer, "own object", on_own / both if both else 0.5
            yield method, layer, "points at own", metrics.pointing(heat, own.mask)


def _marked(network: xh.Network, seed: int, methods: Sequence[str]) -> Answers:
    """Scenes with a mark, for the network that cheats: is the mark found?"""
    scene = scenes.scene(seed, mark=True)
    assert scene.mark is not None
    for method, layer, heat in _heats(network, scene, methods, scene.category, seed):
        yield method, layer, "mark found", metrics.overlap(heat, scene.mark.mask)
        yield method, layer, "energy on the mark", metrics.energy(heat, scene.mark.mask)
        yield method, layer, "energy on the object", metrics.energy(heat, scene.mask)


def _by_peers(network: xh.Network, seed: int, methods: Sequence[str]) -> Answers:
    """Scenes of one object, the same methods as pytorch-grad-cam has them."""
    from benchmarks.methods_agree import grad_cam

    scene = scenes.scene(seed)
    x = (scene.image.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
    for method in methods:
        for layer in LAYERS:
            heat = grad_cam(PEERS[method])(_twin(), x, layer, scene.category)[0]
            for name, measure in metrics.METRICS.items():
                yield f"{method} of pytorch-grad-cam", layer, name, measure(heat, scene.mask)
            share = metrics.energy(heat, scene.mask) / float(scene.mask.mean())
            yield f"{method} of pytorch-grad-cam", layer, "energy / area", share


@cache
def _twin() -> object:
    from benchmarks import peers
    from benchmarks.torchvision_operators import declare_missing_operators
    from xai_heatmap.networks.loading.demo import torch_twin

    peers.visible()
    declare_missing_operators()
    return torch_twin("demo")


PEERS = {
    "gradcam": "GradCAM",
    "gradcam_pp": "GradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "layercam": "LayerCAM",
    "eigencam": "EigenCAM",
    "eigengradcam": "EigenGradCAM",
    "ablationcam": "AblationCAM",
    "scorecam": "ScoreCAM",
}
"""What our methods are called there."""

KINDS = {"objects": _objects, "pairs": _pairs, "marks": _marked, "peers": _by_peers}


def _heats(
    network: xh.Network, scene: Scene, methods: Sequence[str], target: int, seed: int
) -> Iterator[tuple[str, str, Heat]]:
    """Every method at every layer, and what costs nothing beside them."""
    last = [name for name in methods if name in LAST]
    layered = [name for name in methods if METHODS[name].auto != "input" and name not in last]
    pixels = [name for name in methods if METHODS[name].auto == "input"]
    dear = any(map(_many_passes, methods))
    for names, layers in ((layered, [*LAYERS[dear:]]), (last, "auto"), (pixels, "auto")):
        if names:
            for one in xh.compare(
                network, scene.image, methods=names, layers=layers, targets=[target]
            ):
                yield one.method, one.layer.name, one.heat(scale="none")
    if not dear:
        for name, heat in baselines(scene, seed).items():
            yield name, "", heat


BASELINES = ("*random map*", "*constant*", "*centre Gaussian*", "*Sobel edges*")


def baselines(scene: Scene, seed: int) -> Mapping[str, Heat]:
    """Maps that know nothing of any network."""
    rows, columns = scene.image.shape[:2]
    coarse = np.random.default_rng(seed).uniform(size=(16, 16)).astype(np.float32)
    down, along = np.mgrid[0:rows, 0:columns].astype(np.float32)
    away = ((down + 0.5) / rows - 0.5) ** 2 + ((along + 0.5) / columns - 0.5) ** 2
    return {
        "*random map*": np.array(PIL.Image.fromarray(coarse).resize((columns, rows))),
        "*constant*": np.ones((rows, columns), np.float32),
        "*centre Gaussian*": np.exp(-away / (2 * 0.25**2)),
        "*Sobel edges*": _edges(scene.image),
    }


def _edges(image: np.ndarray) -> Heat:
    gray = np.asarray(PIL.Image.fromarray(image).convert("L"), np.float32)
    wide = np.pad(gray, 1, mode="edge")
    smooth_down = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    smooth_along = wide[:, :-2] + 2 * wide[:, 1:-1] + wide[:, 2:]
    return np.hypot(
        smooth_down[:, 2:] - smooth_down[:, :-2], smooth_along[2:] - smooth_along[:-2]
    ).astype(np.float32)


def document(found: Mapping[str, Figures]) -> str:
    """The tables as Markdown."""
    objects = found["objects"]
    methods = _named(objects)
    parts = [
        "### At the auto layer (pixel methods: at the picture; fusions: from the stem on)\n",
        table(
            ("method", "scenes", *metrics.METRICS, "energy ÷ area"),
            [
                (name, str(_count(objects, name)), *(
                    _share(_mean(objects, name, _auto(name), measure))
                    for measure in metrics.METRICS
                ), f"{_mean(objects, name, _auto(name), 'energy / area'):.2f}")
                for name in methods
            ],
        ),
        "\n### Energy ÷ area, layer by layer; in brackets the pointing game\n",
        table(
            ("method", *LAYERS),
            [
                (name, *(_both(objects, name, layer) for layer in LAYERS))
                for name in methods
                if (name, LAYERS[-1], "energy / area") in objects
            ],
        ),
        "\n### Two objects: the map of one class\n",
        table(
            ("method", *(f"{layer}: on its own" for layer in LAYERS[1:]), "points at its own"),
            [
                (name, *(
                    _share(_mean(found["pairs"], name, layer, "own object"))
                    for layer in LAYERS[1:]
                ), _share(_mean(found["pairs"], name, _auto(name), "points at own")))
                for name in _named(found["pairs"])
            ],
        ),
        "\n### The cheat: is the mark among the strongest 5 %?\n",
        table(
            ("method", *LAYERS, "energy on the mark", "energy on the object"),
            [
                (name, *(
                    _share(_mean(found["marks"], name, layer, "mark found")) for layer in LAYERS
                ), *(
                    _share(_mean(found["marks"], name, _auto(name), f"energy on the {what}"))
                    for what in ("mark", "object")
                ))
                for name in _named(found["marks"])
            ],
        ),
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _named(figures: Figures) -> list[str]:
    """Whose figures they are: our methods as the registry has them, and then all others."""
    names = dict.fromkeys(method for method, _, _ in figures)
    return [*(name for name in METHODS if name in names), *(n for n in names if n not in METHODS)]


def _auto(method: str) -> str:
    """The layer that ``auto`` is to a method."""
    finest = method in METHODS and METHODS[method].auto == "finest"
    return LAYERS[0] if finest else LAYERS[-1]


def _both(figures: Figures, name: str, layer: str) -> str:
    """Energy ÷ area and the pointing game; empty where the method was not measured."""
    energy = _mean(figures, name, layer, "energy / area")
    pointing = _share(_mean(figures, name, layer, "pointing game"))
    return f"{energy:.2f} ({pointing})" if pointing else ""


def _mean(figures: Figures, method: str, layer: str, measure: str) -> float:
    """Over all scenes; a map without a layer, or of the picture, stands for every layer."""
    for where in (layer, "", "input"):
        if (method, where, measure) in figures:
            return figures[method, where, measure][0]
    return float("nan")


def _count(figures: Figures, method: str) -> int:
    return max(count for (name, _, _), (_, count) in figures.items() if name == method)


def _share(number: float) -> str:
    return "" if np.isnan(number) else f"{100 * number:.1f} %"


if __name__ == "__main__":
    main()
