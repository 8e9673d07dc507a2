"""What each metric says of maps and of controls on planted scenes, beside what is known of them: a
part of `benchmarks.trust`, and its tables.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import xai_heatmap as xh
from benchmarks.tables import table
from benchmarks.truth import baselines
from xai_heatmap import metrics, scenes
from xai_heatmap.core.metric import METRICS
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.metric_evidence import evidence, over_input
from xai_heatmap.explaining.question import Question, questions
from xai_heatmap.explaining.request import choice
from xai_heatmap.explaining.shared import Shared, unmoved
from xai_heatmap.explaining.testing import on_patches
from xai_heatmap.metrics.parts.blocks import blocks_of

Row = dict[str, Any]
Truth = Callable[[Question, np.ndarray], tuple[np.ndarray, np.ndarray]]

REAL = ("gradcam", "hirescam", "layercam", "gradcam_pp", "eigencam")
LAYERS = ("stem", "features")

ASKED: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "agreement (T)": ("agreement", {}),
    "sensitivity D": ("sensitivity_n", {"fill": "linear"}),
    "infidelity D": ("infidelity", {"fill": "linear"}),
    "sensitivity A": ("sensitivity_n", {"form": "scattered", "fill": "linear"}),
    "sensitivity E": ("sensitivity_n", {"form": "eighths", "fill": "linear"}),
    "sensitivity S": ("sensitivity_n", {"form": "halves", "fill": "linear"}),
    "sensitivity W2": ("sensitivity_n", {"form": "tiles", "fill": "linear"}),
    "ROAD, blurred": ("road", {"steps": 4, "fill": "blur"}),
    "insertion − deletion": ("insertion_deletion", {"steps": 10, "block": 8}),
    "insertion": ("insertion", {"steps": 10, "block": 8}),
    "deletion": ("deletion", {"steps": 10, "block": 8}),
    "SaCo": ("saco", {}),
    "average drop": ("average_drop", {}),
    "average increase": ("average_increase", {}),
    "average gain": ("average_gain", {}),
    "ADCC": ("adcc", {}),
    "max-sensitivity": ("max_sensitivity", {"draws": 4}),
    "completeness residual": ("completeness_residual", {}),
    "Gini": ("gini", {}),
    "entropy": ("entropy", {}),
    "total variation": ("total_variation", {}),
}
"""What is asked of every map, by the name in the tables."""

PASSES = {
    "agreement (T)": "62 once", "sensitivity D": "58 once", "infidelity D": "58 once",
    "sensitivity A": "64 once", "sensitivity E": "64 once", "sensitivity S": "the test's",
    "sensitivity W2": "16 once", "ROAD, blurred": "6", "insertion − deletion": "20",
    "insertion": "10",
    "deletion": "10", "SaCo": "10", "average drop": "1", "average increase": "1",
    "average gain": "1", "ADCC": "2", "max-sensitivity": "4", "completeness residual": "1",
}  # fmt: skip

TRUTHS = ("plate", "energy", "rank accuracy")

GOOD = 0.6
"""Correlation with the causal truth from which on a map counts as right."""


def metric_rows(first: int, truth: Truth) -> Callable[[set[str], int], Iterator[Row]]:
    """Rows of scenes from one seed on."""

    def rows(done: set[str], count: int) -> Iterator[Row]:
        network = xh.network("demo")
        for seed in range(first, first + (count or 40)):
            if str(seed) not in done:
                yield _row(network, seed, truth)

    return rows


def _row(network: xh.Network, seed: int, truth: Truth) -> Row:
    scene = scenes.scene(seed)
    made = xh.compare(network, scene.image, methods=list(REAL), layers=list(LAYERS))
    maps: dict[str, Explanation] = {f"{one.method}@{one.layer.name}": one for one in made}
    usual = maps["gradcam@features"]
    question = _question(network, scene.image)
    for name, own in _controls(network, seed, usual, question).items():
        maps[name] = replace(usual, map=np.ascontiguousarray(own, np.float32))
    worth, where = truth(question, scenes.empty(seed).image)
    blocks, shared = blocks_of(question.given.x.shape[1:]), Shared(question)
    row: Row = {"key": str(seed), "maps": {}}
    for name, one in maps.items():
        remade = None if "@" in name else unmoved(over_input(one.map, question))
        said = {
            title: METRICS[metric](
                evidence(
                    one, METRICS[metric], question=question, mask=scene.mask, shared=shared,
                    remade=remade,
                ),
                options,
            )
            for title, (metric, options) in ASKED.items()
        }  # fmt: skip
        heat, own = one.heat(scale="none"), on_patches(one.map, blocks)[where]
        varied = np.ptp(own) > 0 and np.ptp(worth) > 0
        said["plate"] = float(np.corrcoef(own, worth)[0, 1]) if varied else 0.0
        said["energy"] = metrics.energy(heat, scene.mask)
        said["rank accuracy"] = metrics.rank_accuracy(heat, scene.mask)
        row["maps"][name] = {title: round(float(value), 6) for title, value in said.items()}
    return row


def _question(network: xh.Network, image: np.ndarray) -> Question:
    return questions(network, prepare(image, None, network), [choice(None)])[0]


def _controls(
    network: xh.Network, seed: int, usual: Explanation, question: Question
) -> dict[str, np.ndarray]:
    """Maps that know nothing of this picture's class, and the map's own negative."""
    scene, random = scenes.scene(seed), np.random.default_rng(seed)
    fake = np.ones((16, 16))
    fake[0, 0] = 0
    plain = baselines(scene, seed)
    order = np.argsort(question.scores)[::-1]
    wrong = int(random.choice(order[2:]))
    runner, far = (
        xh.explain(network, scene.image, method="gradcam", target=int(index)).map
        for index in (order[1], wrong)
    )
    other = xh.explain(network, scenes.scene(seed + 700).image, method="gradcam").map
    return {
        "random": random.random((16, 16)),
        "constant": np.ones((4, 4)),
        "FakeCAM": fake,
        "centre": plain["*centre Gaussian*"],
        "Sobel": plain["*Sobel edges*"],
        "other scene": other,
        "runner-up class": runner,
        "wrong class": far,
        "negative": -usual.map,
    }


def metric_tables(rows: Sequence[Row]) -> str:
    """Which metric follows the truth, and what it says of each control."""
    titles = list(ASKED)
    signs = {
        title: 1 if METRICS[metric].better == "higher" else -1
        for title, (metric, _) in ASKED.items()
    }
    real = [name for name in rows[0]["maps"] if "@" in name]
    controls = [name for name in rows[0]["maps"] if "@" not in name]
    follow, right = [], []
    for title in titles:
        cells = [title, PASSES.get(title, "none")]
        for truth in TRUTHS:
            each = [
                _spearman(
                    np.array([signs[title] * row["maps"][name][title] for name in real]),
                    np.array([row["maps"][name][truth] for name in real]),
                )
                for row in rows
            ]
            cells.append(_interval(np.array(each)))
        every = [one for row in rows for one in row["maps"].values()]
        values = np.array([signs[title] * one[title] for one in every])
        plate = np.array([one["plate"] for one in every])
        follow.append((*cells, f"{_auroc(values, plate >= GOOD):.2f}"))
        right.append((title, *(_paired(rows, title, signs[title], name) for name in controls)))
    right += [
        (f"*{truth} (truth)*", *(_paired(rows, truth, 1, name) for name in controls))
        for truth in TRUTHS
    ]
    said = (
        f"{len(rows)} scenes, {len(real)} maps each (five methods at two layers), {len(controls)} "
        "controls. Spearman over the maps of a scene, the mean; the last column: AUROC for causal "
        f"correlation of at least {GOOD}, all maps and controls.\n"
    )
    head = ("metric", "passes for a map", *TRUTHS, "AUROC, causal")
    below = (
        "\nHow often a map of the last layer is better by a metric than a control of the same "
        "scene (paired AUROC; ties count half).\n"
    )
    return "\n".join([said, table(head, follow), below, table(("metric", *controls), right)])


def _paired(rows: Sequence[Row], title: str, sign: int, control: str) -> str:
    wins = list[float]()
    for row in rows:
        other = sign * row["maps"][control][title]
        for name, one in row["maps"].items():
            if name.endswith("@features"):
                wins.append(float(sign * one[title] > other) + 0.5 * (sign * one[title] == other))
    return f"{np.mean(wins):.2f}"


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks, those that tie sharing their mean."""
    _, of, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[of]


def _spearman(some: np.ndarray, others: np.ndarray) -> float:
    a, b = _ranks(some), _ranks(others)
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0


def _interval(values: np.ndarray) -> str:
    random = np.random.default_rng(0)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


def _auroc(values: np.ndarray, right: np.ndarray) -> float:
    good, bad = values[right], values[~right]
    return float(((good[:, None] > bad) + 0.5 * (good[:, None] == bad)).mean())
