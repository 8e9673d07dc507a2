"""`xai-heatmap methods`: the formulas, what they cost, and whose they are."""

from collections.abc import Sequence

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.cli.citations import Citation, citations
from xai_heatmap.cli.show import facts, print_json, print_lines
from xai_heatmap.core.registry import METHODS, MODIFIERS, Method, find_method

MORE = "`xai-heatmap methods NAME` shows formula, options and paper of one."

AUTO = {
    "auto": "as `layers` says",
    "input": "the picture itself",
    "finest": "the finest layer that goes with the one that `layers` says",
}
"""What ``auto`` means to a method."""


def listed(names: Sequence[str] = (), *, as_json: bool) -> int:
    """Print the methods named with all that is known of them; all, in short, where none is."""
    papers = citations()
    chosen = [find_method(name) for name in names] or list(METHODS.values())
    if as_json:
        print_json([_plain(method, papers[method.cite]) for method in chosen])
        return 0
    for place, method in enumerate(chosen):
        if names and place:
            print_lines([""])
        print_lines([method.name], style="bold")
        paper = papers[method.cite]
        print_lines(_described(method, paper) if names else _in_short(method, paper))
    if names:
        return 0
    for own in MODIFIERS.values():
        print_lines([f"{own.name}:NAME"], style="bold")
        said = [
            ("formula", f"{own.summary.removesuffix('.')},  M the map of NAME, any of these"),
            ("use when", own.use_when),
            ("cost", f"{own.passes} x that of NAME"),
            ("paper", papers[own.cite].short),
        ]
        print_lines(facts(said, indent="  "))
    print_lines(["", MORE])
    return 0


def _in_short(method: Method, paper: Citation) -> list[str]:
    return facts(
        [("use when", method.use_when), ("cost", method.cost), ("paper", paper.short)],
        indent="  ",
    )


def _described(method: Method, paper: Citation) -> list[str]:
    return facts(
        [
            ("formula", method.summary),
            ("use when", method.use_when),
            ("cost", method.cost),
            ("needs", _needs(method)),
            ("auto", AUTO[method.auto]),
            ("options", ", ".join(map(str, method.taken.values())) or "none"),
            ("paper", str(paper)),
            ("remarks", method.remarks.replace("``", "`")),
        ],
        indent="  ",
    )


def _needs(method: Method) -> str:
    fields = ", ".join(sorted(method.needs))
    return fields if method.differentiates else f"{fields}; no gradients"


def _plain(method: Method, paper: Citation) -> dict[str, object]:
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
        "paper": vars(paper),
    }
