"""What the test of maps can't see: small shifts, and what is not additive; a part of
`benchmarks.trust`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import xai_heatmap as xh
from benchmarks.tables import table
from xai_heatmap import scenes
from xai_heatmap.core.tested import Tested
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.metric_evidence import over_input
from xai_heatmap.explaining.question import questions
from xai_heatmap.explaining.request import choice
from xai_heatmap.explaining.testing import Trial

Row = dict[str, Any]

SHIFTS = {"as it is": 0, "by 1/16 of the picture": 8, "by 1/8, half a block": 16,
          "by 1/4, a block": 32}  # fmt: skip
"""Columns of 128 by which a map is moved to the right, and round."""

SIDE, MARK = 64, 8

JOINED: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "one + other": np.add,
    "the lesser: both are needed": np.minimum,
    "the greater: either will do": np.maximum,
    "one × other": np.multiply,
}
"""How a number hangs on the light of two places."""


def blind_rows(first: int) -> Callable[[set[str], int], Iterator[Row]]:
    """Rows of scenes from one seed on, and of as many pictures with two marks."""

    def rows(done: set[str], count: int) -> Iterator[Row]:
        network = xh.network("demo")
        for seed in range(first, first + (count or 60)):
            if str(seed) not in done:
                yield {"key": str(seed), "maps": {**_shifted(network, seed), **_joined(seed)}}

    return rows


def _told(found: Tested) -> Row:
    return {"word": found.word, "t": found.agreement or 0.0}


def _shifted(network: xh.Network, seed: int) -> dict[str, Row]:
    """The map of the last layer, moved."""
    scene = scenes.scene(seed)
    one = xh.explain(network, scene.image, method="gradcam")
    (question,) = questions(network, prepare(scene.image, None, network), [choice(None)])
    trial, drawn = Trial([question]), over_input(one.map, question)
    return {
        f"gradcam, moved {name}": _told(trial(np.roll(drawn, by, axis=1)))
        for name, by in SHIFTS.items()
    }


def _joined(seed: int) -> dict[str, Row]:
    """Numbers that hang on the light of two marks, and maps of both and of one."""
    random = np.random.default_rng(seed)
    picture = random.integers(0, 120, (SIDE, SIDE, 3)).astype(np.uint8)
    down = random.integers(0, SIDE - MARK, 2)
    along = random.integers(0, SIDE // 2 - MARK, 2) + np.array([0, SIDE // 2])
    masks = np.zeros((2, SIDE, SIDE), np.float32)
    for own, i, j in zip(masks, down, along, strict=True):
        own[i : i + MARK, j : j + MARK] = 1
        picture[i : i + MARK, j : j + MARK] = 255
    found: dict[str, Row] = {}
    for name, join in JOINED.items():

        def answers(x: np.ndarray, join: Any = join) -> np.ndarray:
            light = (x[:, :, None] * masks).sum(axis=(1, 3, 4)) / masks[0].sum() / x.shape[1]
            y = join(light[:, 0], light[:, 1])
            return np.stack([4 * y, -y], axis=1).astype(np.float32)

        network = xh.network(answers, image_shape=(3, SIDE, SIDE))
        given = prepare(picture, "unit", network)
        trial = Trial(questions(network, given, [choice(0)]))
        found[f"{name}; map of both"] = _told(trial(masks.sum(axis=0)))
        found[f"{name}; map of one"] = _told(trial(masks[0]))
    return found


def blind_table(rows: Sequence[Row], interval: Callable[[np.ndarray], str]) -> str:
    """Share that passes and mean T of each map."""
    told: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for name, one in row["maps"].items():
            told[name].append(one)
    lines = [
        (
            name,
            interval(np.array([one["word"] == "predicts" for one in own], float)),
            f"{np.mean([one['t'] for one in own]):.2f}",
        )
        for name, own in told.items()
    ]
    return table(("map", "passes", "mean T"), lines)
