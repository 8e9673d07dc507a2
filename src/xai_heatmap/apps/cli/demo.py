"""`xai-heatmap demo`: what a heatmap is good for, in one command, offline."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

EPILOG = """\b
Examples:
  xai-heatmap demo
  xai-heatmap demo --out somewhere/else
  xai-heatmap demo --json

\b
Two small networks come with the package, and so do the pictures, drawn from seeds.
Nothing is downloaded. sheet.png shows all at a glance, index.html opens in a browser.
"""

TOLD = (
    "",
    "Where the badge is its own, both networks are right, and no test of accuracy tells",
    "them apart. Their heatmaps do: honest looks at the object, cheat at the badge.",
    "",
)

LOOK_AROUND = ("", "To look around in the browser, at pictures of your own too: xai-heatmap serve")


def demo(
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FOLDER", help="Where the results go.")
    ] = Path("demo-out"),
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on stdout, errors included.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Two networks that are right, one of them for the wrong reason: see it in five seconds."""
    from xai_heatmap.apps.cli.terminal import print_json, print_lines, table
    from xai_heatmap.showcase import demo as shown
    from xai_heatmap.sinks.picture import save_picture, save_text
    from xai_heatmap.sinks.refused import check_folder

    check_folder(out)
    exhibits = list(shown.exhibits())
    written = [
        save_picture(out / "sheet.png", shown.contact_sheet(exhibits)),
        save_text(out / "index.html", shown.page(exhibits)),
    ]
    if as_json:
        print_json(
            {
                "pictures": [str(path) for path in written],
                "exhibits": [
                    {
                        "scene": exhibit.title,
                        "networks": {
                            view.network: {
                                "says": view.first.label,
                                "probability": view.first.probability,
                                "right": view.right,
                                "looks_at": dict(view.looks[-1].shares),
                            }
                            for view in exhibit.views
                        },
                    }
                    for exhibit in exhibits
                ],
            }
        )
        return 0
    rows = [
        (
            exhibit.title,
            *(f"{v.says}{'' if v.right else '  WRONG'}" for v in exhibit.views),
            *(_looks(v.looks[-1].shares) for v in exhibit.views),
        )
        for exhibit in exhibits
    ]
    head = ("picture", "honest says", "cheat says", "honest looks at", "cheat looks at")
    print_lines(
        [
            *table(head, rows),
            *TOLD,
            *_wrote(written),
        ]
    )
    return 0


def _wrote(written: Sequence[Path]) -> list[str]:
    return [*(f"wrote {path}" for path in written), *LOOK_AROUND]


def _looks(shares: Mapping[str, float]) -> str:
    return f"object {shares['object']:.0%}, badge {shares['badge']:.0%}"
