"""`xai-heatmap methods`: the formulas, what they cost, and whose they are."""

from collections.abc import Sequence

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.apps.cli.citations import facts_of_paper, reference, who
from xai_heatmap.apps.cli.terminal import columns, facts, fitted, on_screen, print_json, print_lines
from xai_heatmap.core.registry import MODIFIERS, Method, all_methods, find_method

MORE = "`xai-heatmap methods NAME` shows formula, options, remarks and paper of one."


WIDE = 120
"""Letters in a line from which the paper has a column of its own."""

GROUPS = {
    "layers, one pass, gradients": (False, False, True),
    "layers, one pass, no gradients": (False, False, False),
    "layers, many passes": (False, True, None),
    "pixels": (True, None, None),
}
"""Groups of methods in the table: whether of pixels, of many passes, with gradients; None:
either."""

AUTO = {
    "auto": "as `layers` says",
    "input": "the picture itself",
    "finest": "the finest layer that goes with the one that `layers` says",
}
"""Meaning of ``auto`` for a method."""


def listed(names: Sequence[str] = (), *, as_json: bool) -> int:
    """Print the methods named with all that is known of them; all, in a table, where none is."""
    chosen = [find_method(name) for name in names] or list(all_methods().values())
    if as_json:
        print_json([_plain(method) for method in chosen])
    elif names:
        for place, method in enumerate(chosen):
            print_lines([""] if place else [])
            print_lines([method.name], style="bold")
            print_lines(_described(method))
    else:
        _tabled(chosen)
    return 0


def grouped(methods: Sequence[Method]) -> dict[str, list[Method]]:
    """The methods under the headings of `GROUPS`."""
    found: dict[str, list[Method]] = {title: [] for title in GROUPS}
    for method in methods:
        kind = method.auto == "input", bool(method.passes), method.differentiates
        title = next(
            title
            for title, wanted in GROUPS.items()
            if all(own is None or own == has for own, has in zip(wanted, kind, strict=True))
        )
        found[title].append(method)
    return found


def _tabled(methods: Sequence[Method]) -> None:
    """One line a method in a pipe; on a screen as many as it takes."""
    wide = not on_screen() or columns() >= WIDE
    header = ("method", "use it when", "cost in passes", "paper")
    sections = {
        title: [(m.name, m.use_when, m.cost, who(m.cite)) for m in members]
        for title, members in grouped(methods).items()
    } | {
        "of any method": [
            (f"{m.name}:NAME", m.use_when, f"{m.passes} x that of NAME", who(m.cite))
            for m in MODIFIERS.values()
        ]
    }
    rows = [row for section in sections.values() for row in section]
    if not wide:
        header = (*header[:2], "cost in passes; paper")
        rows = [(name, when, f"{cost}; {paper}") for name, when, cost, paper in rows]
    head, *told = fitted(header, rows)
    print_lines(head, style="bold")
    for title, section in sections.items():
        print_lines(["", f"{title}:"] if section else [], style="bold")
        for _ in section:
            print_lines(told.pop(0))
    print_lines(["", MORE])


def _described(method: Method) -> list[str]:
    return facts(
        [
            ("formula", method.summary),
            ("use when", method.use_when),
            ("cost", method.cost),
            ("needs", _needs(method)),
            ("auto", AUTO[method.auto]),
            ("options", ", ".join(map(str, method.taken.values())) or "none"),
            ("paper", reference(method.cite)),
            ("remarks", method.remarks.replace("``", "`")),
        ],
        indent="  ",
    )


def _needs(method: Method) -> str:
    fields = ", ".join(sorted(method.needs))
    return fields if method.differentiates else f"{fields}; no gradients"


def _plain(method: Method) -> dict[str, object]:
    return {
        "name": method.name,
        "formula": method.summary,
        "use_when": method.use_when,
        "cost": method.cost,
        "needs": sorted(method.needs),
        "auto": method.auto,
        "differentiates": method.differentiates,
        "options": dict(method.options),
        "signed": method.signed,
        "paper": facts_of_paper(method.cite),
    }
