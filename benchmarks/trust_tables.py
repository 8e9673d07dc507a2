"""Tables of what `benchmarks.trust` measured."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.tables import table
from benchmarks.trust_blind import blind_table
from benchmarks.trust_metrics import metric_tables
from benchmarks.trust_peers import beside_table

Row = dict[str, Any]

OTHER = ("metrics", "blind")
"""Parts with tables of their own."""

EARLY = ("gradcam", "hirescam", "eigencam")

GOOD = 0.6
"""Correlation with the causal truth from which on a map counts as right."""

HEAD = """Written by `make trust`. Of at most 64 passes 62 are made. *told from copies*: p at most
0.05. *passes*: also above edges and centre. In brackets 95 % intervals (bootstrap over pictures).
*agree*: two draws of halves give the same result, pass or no pass. Photographs are those of the
reference folder, in the order of their names, that the network is at least 0.5 sure of.
"""


def document(found: Mapping[str, Sequence[Row]], kept: str = "") -> str:
    """The tables as Markdown.

    Parameters
    ----------
    found
        Rows by part.
    kept
        The page as it was: parts without rows, and sections that no part writes, stay as they are.
    """
    sections = dict(_sections(kept))
    for part, rows in found.items():
        if rows:
            count = sum(bool(row.get("maps")) for row in rows) or len(rows)
            sections[part] = f"## {part}, {count} pictures\n\n{_section(part, rows)}"
    order = [*found, *(part for part in sections if part not in found)]
    parts = [sections[part].rstrip() for part in order if part in sections]
    return "\n\n".join(["# How far the test of maps can be trusted", HEAD.rstrip(), *parts]) + "\n"


def _sections(page: str) -> Iterator[tuple[str, str]]:
    """Sections of a page by the part that each is of."""
    for section in page.split("\n## ")[1:]:
        yield section.partition("\n")[0].partition(",")[0], f"## {section}"


def _section(part: str, rows: Sequence[Row]) -> str:
    if part == "blind":
        return blind_table(rows, _interval)
    if part == "metrics":
        return metric_tables(rows)
    if part == "cost":
        return _costs(rows)
    if part.startswith("peers"):
        return beside_table(rows, _interval)
    shares = _shares([row for row in rows if row.get("maps")])
    return "\n\n".join([shares, _causally(rows)]) if any("plate" in row for row in rows) else shares


def _costs(rows: Sequence[Row]) -> str:
    said = (
        "Processor time of testing 114 maps of one picture, its passes included, beside 62 forward "
        "passes in two batches of 31. ONNX, one thread, the least of several "
        "runs of each; the equations of what stands in for halves are solved once in a process.\n"
    )
    lines = [
        (
            row["key"],
            f"{min(row['tests']) / min(row['passes']):.2f}",
            str(len(row["tests"])),
        )
        for row in rows
    ]
    head = ("network", "ratio", "runs")
    return "\n".join([said, table(head, lines)])


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
