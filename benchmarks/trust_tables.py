"""Tables of what `benchmarks.trust` measured."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.tables import table
from benchmarks.trust_metrics import metric_tables
from benchmarks.trust_peers import beside_table

Row = dict[str, Any]

OTHER = ("metrics", "shifts")
"""Parts with tables of their own."""

EARLY = ("gradcam", "hirescam", "eigencam")

GOOD = 0.6
"""Correlation with the causal truth from which on a map counts as right."""

HEAD = """Written by `make trust`. Of at most 64 passes 62 are made. *told from copies*: p at most
0.05. *passes*: also above edges and centre. In brackets 95 % intervals (bootstrap over pictures).
*agree*: two draws of halves give the same result, pass or no pass. Photographs are those of the
reference folder, in the order of their names, that the network is at least 0.5 sure of.
"""


def document(found: Mapping[str, Sequence[Row]]) -> str:
    """The tables as Markdown."""
    parts = ["# How far the test of maps can be trusted\n", HEAD]
    for part, rows in found.items():
        used = [row for row in rows if row.get("maps") and part not in OTHER]
        if used:
            parts += [f"## {part}, {len(used)} pictures\n", _shares(used), ""]
        if any("plate" in row for row in rows):
            parts += [_causally(rows), ""]
        if part == "metrics" and rows:
            parts += [f"## {part}, {len(rows)} pictures\n", metric_tables(rows), ""]
        if part.startswith("peers") and rows:
            parts += [f"## {part}, {len(rows)} pictures\n", beside_table(rows, _interval), ""]
        for row in rows if part == "cost" else ():
            said = (
                f"Testing 114 maps of one picture, its passes included, takes "
                f"{min(row['tests']) / min(row['passes']):.2f} times the processor time of 62 "
                f"batched forward passes ({row['key']}, ONNX, one thread, the least of "
                f"{len(row['tests'])} runs of each).\n"
            )
            parts.append(said)
    return "\n".join(parts).rstrip() + "\n"


def _shares(rows: Sequence[Row]) -> str:
    """Of each kind of map how many are told from copies, how many pass, and mean T."""
    told: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    agreed: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, one in row["maps"].items():
            short = name.rstrip("0123456789 ") if name.startswith("other scene") else name
            apart = one["p"] is not None and one["p"] <= 0.05 and one["t"] > 0
            told[short].append(
                (apart, one["word"] == "predicts", one["word"] == "unmoved", one["t"] or 0.0)
            )
            if name in row.get("again", {}):
                same = (one["word"] == "predicts") == (row["again"][name]["word"] == "predicts")
                agreed[short].append(same)
    lines = []
    for name, values in told.items():
        apart, passes, unmoved, t = np.array(values, float).T
        agree = f"{np.mean(agreed[name]):.2f}" if agreed[name] else ""
        lines.append((name, str(len(values)), _interval(apart), _interval(passes),
                      f"{unmoved.mean():.2f}", f"{t.mean():.2f}", agree))  # fmt: skip
    head = ("map", "n", "told from copies", "passes", "nothing moves", "mean T", "agree")
    return table(head, lines)


def _interval(values: np.ndarray) -> str:
    random = np.random.default_rng(0)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"


def _causally(rows: Sequence[Row]) -> str:
    """T as a sign of causal rightness, and what the guard makes of early layers."""
    rows = [row for row in rows if "plate" in row]
    pairs = [
        (row["maps"][name]["t"], r)
        for row in rows
        for name, r in row["plate"].items()
        if row["maps"][name]["t"] is not None
    ]
    t, r = np.array(pairs).T
    said = (
        f"T as a sign of causal correlation of at least {GOOD}, {len(rows)} scenes, "
        f"{len(pairs)} maps and controls: AUROC {_auroc(t, r >= GOOD):.3f}.\n"
    )
    table_rows = []
    for name in [f"{method}@stem" for method in EARLY] + ["gradcam@features"]:
        before = np.array([row["plate"][name] for row in rows])
        failed = np.array([row["maps"][name]["word"] in ("chance", "naive") for row in rows])
        usual = np.array([row["plate"]["gradcam@features"] for row in rows])
        after = np.where(failed, usual, before)
        table_rows.append((name, f"{failed.mean():.2f}", f"{before.mean():.2f}",
                           f"{after.mean():.2f}", _interval(after - before)))  # fmt: skip
    head = ("guarded map", "failed", "causal correlation before", "after", "gain")
    return "\n".join([said, table(head, table_rows)])


def _auroc(values: np.ndarray, right: np.ndarray) -> float:
    good, bad = values[right], values[~right]
    return float(((good[:, None] > bad) + 0.5 * (good[:, None] == bad)).mean())
