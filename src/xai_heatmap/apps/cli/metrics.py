"""`xai-heatmap metrics`: what can be measured of a map, what it costs, and whose it is."""

from collections.abc import Sequence

import xai_heatmap.metrics  # noqa: F401 - registers every metric
from xai_heatmap.apps.cli.citations import facts_of_paper, reference, who
from xai_heatmap.apps.cli.terminal import columns, facts, fitted, on_screen, print_json, print_lines
from xai_heatmap.core.metric import Metric, all_metrics, find_metric

MORE = "`xai-heatmap metrics NAME` shows formula, options, remarks and paper of one."

WIDE = 120
"""Letters in a line from which the paper has a column of its own."""

FAMILIES = {
    "localisation": "against the truth: which pixels belong to the object",
    "complexity": "of the map alone: how few places hold it, how smooth it is",
    "faithfulness": "against the network: what its score does when places are changed",
}
"""Headings by the folder that a metric lies in; another folder is a heading itself."""


def listed(names: Sequence[str] = (), *, as_json: bool) -> int:
    """Print the metrics named with all that is known of them; all, in a table, where none is."""
    chosen = [find_metric(name) for name in names] or list(all_metrics().values())
    if as_json:
        print_json([_plain(metric) for metric in chosen])
    elif names:
        for place, metric in enumerate(chosen):
            print_lines([""] if place else [])
            print_lines([metric.name], style="bold")
            print_lines(_described(metric))
    else:
        _tabled(chosen)
    return 0


def grouped(metrics: Sequence[Metric]) -> dict[str, list[Metric]]:
    """The metrics under a heading for each family, those of `FAMILIES` first."""
    found: dict[str, list[Metric]] = {FAMILIES[family]: [] for family in FAMILIES}
    for metric in metrics:
        found.setdefault(FAMILIES.get(metric.family, metric.family), []).append(metric)
    return {title: members for title, members in found.items() if members}


def _tabled(metrics: Sequence[Metric]) -> None:
    """One line a metric in a pipe; on a screen as many as it takes."""
    wide = not on_screen() or columns() >= WIDE
    header = ("metric", "use it when", "better", "passes for one map", "paper")
    sections = {
        title: [(m.name, m.use_when, m.better, m.cost, who(m.cite)) for m in members]
        for title, members in grouped(metrics).items()
    }
    rows = [row for section in sections.values() for row in section]
    if not wide:
        header = (*header[:3], "passes for one map; paper")
        rows = [(*row[:3], f"{row[3]}; {row[4]}") for row in rows]
    head, *told = fitted(header, rows)
    print_lines(head, style="bold")
    for title, section in sections.items():
        print_lines(["", f"{title}:"], style="bold")
        for _ in section:
            print_lines(told.pop(0))
    print_lines(["", MORE])


def _described(metric: Metric) -> list[str]:
    return facts(
        [
            ("formula", metric.summary),
            ("use when", metric.use_when),
            ("better", metric.better),
            ("passes", metric.cost),
            ("needs", ", ".join(sorted(metric.needs))),
            ("options", ", ".join(map(str, metric.taken.values())) or "none"),
            ("paper", reference(metric.cite)),
            ("remarks", metric.remarks.replace("``", "`")),
        ],
        indent="  ",
    )


def _plain(metric: Metric) -> dict[str, object]:
    return {
        "name": metric.name,
        "family": metric.family,
        "formula": metric.summary,
        "use_when": metric.use_when,
        "better": metric.better,
        "passes": metric.passes,
        "needs": sorted(metric.needs),
        "options": dict(metric.options),
        "paper": facts_of_paper(metric.cite),
    }
