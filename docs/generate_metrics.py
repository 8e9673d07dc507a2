"""Write docs/metrics, a page for each metric: ``python docs/generate_metrics.py``.

What the pages say comes from the registry, measurements from `metric_figures.py`.
"""

import json
import sys
from pathlib import Path

import xai_heatmap.metrics  # noqa: F401 - registers every metric
from xai_heatmap.apps.cli.citations import reference, who
from xai_heatmap.apps.cli.metrics import grouped
from xai_heatmap.core.metric import METRICS, Metric

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from page_text import cell, linked, write  # noqa: E402 - lies beside this file

FOLDER = HERE / "metrics"

FACTS = FOLDER / "figures.json"

HEAD = """# Metrics

A metric is a formula that judges one map of one picture. Some hold it against the truth, a mask of
the object; others ask the network what its score does when places are taken away. These pages are
written from the metrics themselves by `make docs`; a test fails where one is out of date.

No metric says that a map is right. Each says one thing, and each can be fooled; what fools it
stands on its page, measured. So a figure never stands alone: `xh.measure` puts two maps beside it
that know nothing, one that is the same everywhere and one of random numbers.

```python
import xai_heatmap as xh

for one in xh.measure("demo", "photo.png", metrics=["insertion_deletion"], methods=["gradcam"]):
    print(one.metric, one.value, one.constant, one.random, one.better_than_nothing)
```
"""

TESTED = """## How each is tested

- **Oracles** (`tests/metrics/`): the definition once more, slowly: every order in which ties may
  fall, every place by itself, every equation solved whole.
- **Theorems**: the truth itself is best, a constant map gets what chance gets, insertion and
  deletion of a linear network add up to both ends, no order beats a linear network's own.
- **Passes** through the network are counted, and are those that the page says; what is shared by
  all maps of a picture (`agreement`, `sensitivity_n`, `infidelity`) is run once, and
  `sensitivity_n` on `form="halves", fill="linear"` takes the very passes of the test of maps.
- **Every option** has a test that fails where it is ignored.

## One of your own

A file of twenty lines with `@xh.metric(better=..., cite=..., use_when=...)` is listed by
`xai-heatmap metrics` and taken by `xh.measure`; in this repository it lies in the folder of its
family, `src/xai_heatmap/metrics/`, with a test beside it, and `make docs` writes its page.
"""

GIVEN = {
    "heat": "the map drawn out over the original picture",
    "attributions": "the map on its own grid",
    "mask": "the truth, `mask=`",
    "relevance": "the map drawn out over the network's input",
    "image": "the picture as the network takes it",
    "score": "the explained number y",
    "model": "y of other pictures",
    "probability": "the probability p of the explained class",
    "confidence": "p of other pictures",
    "without": "y without sets of patches, asked once for all maps of a picture",
    "tested": "the result of the map's test, from passes that all maps share",
    "again": "the method's map of other pictures",
}
"""What a metric asks for, in words."""


def pages() -> dict[str, str]:
    """Every page's text by its file name."""
    told = json.loads(FACTS.read_text("utf-8")) if FACTS.exists() else {}
    return {"README.md": _index()} | {
        f"{metric.name}.md": _page(metric, told.get(metric.name, {}).get("maps", {}))
        for metric in METRICS.values()
    }


def _index() -> str:
    tables: list[str] = []
    for title, members in grouped(list(METRICS.values())).items():
        tables += [f"## {title.capitalize()}\n"]
        tables += ["| Metric | Use it when | Better | Passes for one map | Paper |"]
        tables += ["|---|---|---|---|---|", *map(_row, members), ""]
    return "\n".join([HEAD, *tables, TESTED])


def _row(metric: Metric) -> str:
    cells = (
        f"[`{metric.name}`]({metric.name}.md)",
        metric.use_when,
        metric.better,
        metric.cost,
        who(metric.cite),
    )
    return f"| {' | '.join(map(cell, cells))} |"


def _page(metric: Metric, measured: dict[str, dict[str, float]]) -> str:
    facts = {
        "Needs": "; ".join(f"`{name}`, {GIVEN[name]}" for name in sorted(metric.needs)),
        "Better": metric.better,
        "Passes for one map": metric.cost,
        "Options": ", ".join(f"`{option}`" for option in metric.taken.values()) or "none",
        "Paper": linked(reference(metric.cite)),
    }
    return "\n".join(
        [
            f"# {metric.name}\n",
            f"**Use it when** {metric.use_when}.\n",
            f"```\n{metric.summary.removesuffix('.')}\n```\n",
            *([metric.remarks.replace("``", "`"), ""] if metric.remarks else []),
            "| | |",
            "|---|---|",
            *(f"| {name} | {cell(fact)} |" for name, fact in facts.items()),
            "",
            *_measured(metric, measured),
            *_own(metric),
            "[All metrics](README.md)\n",
        ]
    )


def _measured(metric: Metric, measured: dict[str, dict[str, float]]) -> list[str]:
    """What fools it."""
    if not measured:
        return ["## What fools it\n", "Not measured yet: `make docs`.\n"]
    rows = []
    for place, (title, facts) in enumerate(measured.items()):
        wins = "" if place == 0 else f"{facts['as good']:.0%}"
        rows.append(f"| {title} | {facts['mean']:.3g} | {wins} |")
    said = (
        "Means over eight planted scenes, the network `demo`, its options as they are; "
        f"{metric.better} is better. The last column: how often a map gets as good a figure as "
        "Grad-CAM at the last layer, which holds up on this network.\n"
    )
    return [
        "## What fools it\n",
        said,
        "| Map | Mean | As good, or better |",
        "|---|---|---|",
        *rows,
        "",
    ]


def _own(metric: Metric) -> list[str]:
    truth = ", mask=mask" if "mask" in metric.needs else ""
    flags = " --mask mask.png" if "mask" in metric.needs else ""
    model = "photo.jpg --model torchvision:resnet50"
    return [
        "## On a picture of your own\n",
        "```python",
        f'xh.measure(model, "photo.jpg", preprocess="imagenet", metrics=["{metric.name}"]{truth})',
        "```\n",
        f"```sh\nxai-heatmap measure {model} --metric {metric.name}{flags}\n```\n",
    ]


if __name__ == "__main__":
    write(FOLDER, pages())
