"""Measure docs/metrics/figures.json: what each metric says of maps whose worth is known.

python docs/metric_figures.py                   # all of them, some minutes
python docs/metric_figures.py energy deletion   # these alone
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import xai_heatmap as xh
import xai_heatmap.metrics  # registers every metric
from xai_heatmap import scenes
from xai_heatmap.core.arrays import Map
from xai_heatmap.core.metric import METRICS, Again
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.metric_evidence import evidence, over_input
from xai_heatmap.explaining.question import Question, questions
from xai_heatmap.explaining.request import choice
from xai_heatmap.explaining.shared import Shared, again, unmoved

FACTS = Path(__file__).resolve().parent / "metrics" / "figures.json"

SEEDS = range(40, 48)
"""Of the planted scenes."""

GOOD, SHALLOW = "features", "stem"
"""The layer whose maps hold up on this network, and one whose maps do not."""


BRIGHTNESS = 127.5
"""Steps of a picture's brightness for a step of the network's input."""


def fingerprints() -> dict[str, str]:
    """Each metric's name, and what its file says in a few letters."""
    homes = {name: sys.modules[own.formula.__module__].__file__ for name, own in METRICS.items()}
    return {
        name: hashlib.sha256(Path(home or "").read_bytes()).hexdigest()[:12]
        for name, home in homes.items()
    }


def stale() -> list[str]:
    """Metrics that were not measured, or whose file has changed since."""
    kept = json.loads(FACTS.read_text("utf-8")) if FACTS.exists() else {}
    return [name for name, own in fingerprints().items() if kept.get(name, {}).get("of") != own]


def main(names: list[str]) -> None:
    """Measure the metrics named, or all, and keep what they say."""
    kept = json.loads(FACTS.read_text("utf-8")) if FACTS.exists() else {}
    chosen = names or list(METRICS)
    found: dict[str, dict[str, list[float]]] = {name: {} for name in chosen}
    network = xh.network("demo")
    for seed in SEEDS:
        scene = scenes.scene(seed)
        one, question, maps, anew = _asked(network, scene, seed)
        shared = Shared(question)
        for name in chosen:
            for title, map_ in maps.items():
                known = evidence(
                    replace(one, map=map_),
                    METRICS[name],
                    question=question,
                    mask=scene.mask,
                    shared=shared,
                    remade=anew.get(title) or unmoved(over_input(map_, question)),
                )
                found[name].setdefault(title, []).append(METRICS[name](known))
        print(seed, flush=True)
    own = fingerprints()
    for name in chosen:
        kept[name] = {"of": own[name], "maps": dict(_told(found[name], METRICS[name].better))}
    kept = {name: kept[name] for name in sorted(kept) if name in METRICS}
    FACTS.parent.mkdir(exist_ok=True)
    FACTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _asked(
    network: xh.Network, scene: scenes.Scene, seed: int
) -> tuple[Explanation, Question, dict[str, Map], dict[str, Again]]:
    """The scene's question, the maps that are measured, the first of them a good one, and what each
    that looks at the picture is of other pictures.
    """
    ask = {"method": "gradcam", "target": scene.category}
    one = xh.explain(network, scene.image, layer=GOOD, **ask)
    early = xh.explain(network, scene.image, layer=SHALLOW, **ask)
    other = xh.explain(network, scenes.scene(seed + 1000).image, layer=GOOD, method="gradcam")
    (question,) = questions(network, prepare(scene.image, None, network), [choice(scene.category)])
    rows, columns = scene.image.shape[:2]
    down, along = np.mgrid[:rows, :columns]
    far = ((down - rows / 2) / rows) ** 2 + ((along - columns / 2) / columns) ** 2
    grey = scene.image.mean(axis=2)
    edges = np.hypot(*np.gradient(grey))
    random = np.random.default_rng(seed).random(one.map.shape)
    maps = {
        "gradcam at the last layer": one.map,
        "the object itself": scene.mask,
        "gradcam at the first layer": early.map,
        "the map of another picture": other.map,
        "its own negative": -one.map,
        "edges of the picture": edges,
        "a blob in the middle": np.exp(-far / 0.05),
        "the same everywhere": np.ones_like(one.map),
        "random numbers": random,
    }
    plain = {title: np.ascontiguousarray(map_, np.float32) for title, map_ in maps.items()}
    good, shallow = again(one, question), again(early, question)

    def slopes(pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return (np.hypot(*np.gradient(BRIGHTNESS * x.mean(axis=0))) for x in pictures)

    anew: dict[str, Again] = {
        "gradcam at the last layer": good,
        "gradcam at the first layer": shallow,
        "its own negative": lambda pictures: (-found for found in good(pictures)),
        "edges of the picture": slopes,
    }
    return one, question, plain, anew


def _told(found: dict[str, list[float]], better: str) -> Iterator[tuple[str, dict[str, float]]]:
    """By map: its mean, and the share of scenes where it is as good as the good one or better."""
    good = np.array(next(iter(found.values())))
    for title, values in found.items():
        own = np.array(values)
        wins = own >= good if better == "higher" else own <= good
        yield title, {"mean": round(float(own.mean()), 3), "as good": round(float(wins.mean()), 3)}


if __name__ == "__main__":
    main(sys.argv[1:])
