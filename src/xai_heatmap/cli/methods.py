"""`xai-heatmap methods`: the formulas, what they cost, and whose they are."""

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.cli.citations import Citation, citations
from xai_heatmap.cli.show import facts, print_json, print_lines
from xai_heatmap.core.registry import METHODS, Method


def listed(*, as_json: bool) -> int:
    """Print every method."""
    papers = citations()
    if as_json:
        print_json([_plain(method, papers[method.cite]) for method in METHODS.values()])
        return 0
    for place, method in enumerate(METHODS.values()):
        if place:
            print_lines([""])
        print_lines([method.name], style="bold")
        print_lines(_described(method, papers[method.cite]))
    return 0


def _described(method: Method, paper: Citation) -> list[str]:
    options = ", ".join(f"{name}={value}" for name, value in method.options.items())
    return facts(
        [
            ("formula", method.summary),
            ("use when", method.use_when),
            ("cost", method.cost),
            ("needs", ", ".join(sorted(method.needs))),
            ("options", options or "none"),
            ("paper", str(paper)),
        ],
        indent="  ",
    )


def _plain(method: Method, paper: Citation) -> dict[str, object]:
    return {
        "name": method.name,
        "formula": method.summary,
        "use_when": method.use_when,
        "cost": method.cost,
        "needs": sorted(method.needs),
        "options": dict(method.options),
        "signed": method.signed,
        "paper": vars(paper),
    }
