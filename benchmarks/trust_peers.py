"""Our maps beside those of other packages, judged by T and by ROAD: parts of `benchmarks.trust`."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import xai_heatmap as xh
from benchmarks import networks, peers
from benchmarks.methods_agree import IN_TORCH, Call, grad_cam
from benchmarks.tables import table
from xai_heatmap.core.metric import METRICS, MetricEvidence
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.metric_evidence import over_input
from xai_heatmap.explaining.question import Question, questions
from xai_heatmap.explaining.request import choice
from xai_heatmap.explaining.testing import Trial

Row = dict[str, Any]

CALLS: Mapping[str, Mapping[str, Call]] = {
    "gradcam": IN_TORCH["gradcam"],
    "layercam": IN_TORCH["layercam"],
    "hirescam": {"pytorch-grad-cam": grad_cam("HiResCAM")},
    "gradcam_pp": IN_TORCH["gradcam_pp"],
}

AT = {"squeezenet": "features.12", "mobilenet": "conv_pw_13_relu"}
"""The last layer of each trunk. `auto` of SqueezeNet lies behind it, where a feature map is the map
of a class, and all of these methods give one and the same map.
"""

SAME = 1e-4
"""The largest difference of maps from 0 to 1 that count as the same: their ROAD is taken once."""

STEPS = 4

SURE = 0.5


def beside(model: str, prep: str, files: Sequence[Path]) -> Callable[..., Iterator[Row]]:
    """Rows of one network of the reference folder: T and ROAD of every package's maps."""

    def rows(done: set[str], count: int) -> Iterator[Row]:
        from benchmarks.torchvision_operators import declare_missing_operators

        peers.visible()
        declare_missing_operators()
        torch_model = networks.torch_model(model)
        network = xh.network(torch_model)
        for file in files[: count or None]:
            if file.name in done:
                continue
            usual = xh.explain(network, file, preprocess=prep)
            if (usual.predictions[0].probability or 0) < SURE:
                continue
            yield _row(network, torch_model, AT[model], file, prep, usual)

    return rows


def _row(
    network: xh.Network, model: Any, layer: str, file: Path, prep: str, usual: xh.Explanation
) -> Row:
    given, target = prepare(file, prep, network), usual.index
    assert target is not None
    (question,) = questions(network, given, [choice(target)])
    trial, row = Trial([question]), {"key": file.name, "t": {}, "road": {}, "off": {}}
    made = xh.compare(
        network, file, methods=list(CALLS), layers=[layer], targets=[target], preprocess=prep
    )
    for own in made:
        method, calls = own.method, CALLS[own.method]
        ours = over_input(own.map, question)
        roads = {"ours": _road(ours, question)}
        row["t"][f"{method}: ours"] = trial(own.map).agreement
        for peer, call in calls.items():
            theirs = call(model, given.x[None], layer, target)[0].astype(np.float32)
            drawn = over_input(theirs, question)
            off = float(np.abs(peers.scaled(drawn[None]) - peers.scaled(ours[None])).max())
            row["t"][f"{method}: {peer}"] = trial(theirs).agreement
            row["off"][f"{method}: {peer}"] = off
            roads[peer] = roads["ours"] if off <= SAME else _road(drawn, question)
        row["road"] |= {f"{method}: {name}": road for name, road in roads.items()}
    return row


def _road(relevance: np.ndarray, question: Question) -> float:
    known = MetricEvidence(
        relevance=relevance, image=question.given.x, score=question.score,
        model=lambda pictures: question.values(np.stack(list(pictures))),
    )  # fmt: skip
    return METRICS["road"](known, {"steps": STEPS, "fill": "blur"})


def beside_table(rows: Sequence[Row], interval: Callable[[np.ndarray], str]) -> str:
    """By method and package: how far the maps are apart, and ours less theirs."""
    t, road, off = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in rows:
        for name in row["off"]:
            ours = name.partition(":")[0] + ": ours"
            t[name].append(row["t"][name] and row["t"][ours] - row["t"][name])
            off[name].append(row["off"][name])
            road[name].append(row["road"][ours] - row["road"][name])
    lines = []
    for name, differences in t.items():
        method, _, peer = name.partition(": ")
        mean = np.mean([row["t"][f"{method}: ours"] for row in rows if name in row["off"]])
        lines.append((method, peer, str(len(differences)), f"{np.median(off[name]):.4f}",
                      f"{mean:.3f}", interval(np.array(differences, float)),
                      interval(np.array(road[name]))))  # fmt: skip
    head = ("method", "beside", "n", "maps apart", "T of ours", "T, ours − theirs",
            "ROAD, ours − theirs")  # fmt: skip
    return table(head, lines)
