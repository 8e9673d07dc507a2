"""`xai-heatmap findings`: what a network's classes rest on, grouped, shown and tested."""

from pathlib import Path
from typing import Annotated

import typer

from xai_heatmap.apps.cli.flags import Debug, Json, Quiet

EPILOG = """\b
Examples:
  xai-heatmap batch list.csv -m model.onnx --out run     # list.csv: uri,label
  xai-heatmap findings run
  xai-heatmap findings run --regions boxes.csv           # id,left,top,right,bottom
  xai-heatmap findings run --class tiger --class cat --most 200
  xai-heatmap findings run --json | jq '.findings[] | select(.shortcut)'

\b
Of each class, the hottest places of its maps are grouped by what the network has
there. Each group is tested: it is hidden, beside as much elsewhere on the same
pictures; and it is put into pictures of other classes. Intervals and chances are
corrected for the number of groups. A shortcut is claimed where what is hidden speaks
for the class by itself, whatever it lies on; whether it belongs to the class is for
you to say. Where pictures have labels, confused classes are shown with both maps.

\b
Writes findings.html and findings.json into RUN/findings. The same command goes on
where it was stopped. Exit code 0: no shortcut claimed. 1: some are.
"""


def findings(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run of `xai-heatmap batch`.")],
    model: Annotated[
        str | None,
        typer.Option(
            "-m", "--model", metavar="MODEL", help="Where the run does not say it, or it moved."
        ),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="A .csv or .parquet: id and left,top,right,bottom in pixels, or mask, a path.",
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME", help="Only this class. Repeatable."),
    ] = None,
    most: Annotated[
        int, typer.Option(metavar="N", help="Pictures of a class that are looked into.")
    ] = 100,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="DIR", help="Instead of RUN/findings.", show_default=False
        ),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Find what a network's classes rest on: groups of maps, each tested, on one page."""
    from xai_heatmap.apps.cli.finding import found

    try:
        return found(
            run, model=model, regions=regions, classes=classes or (), most=most, out=out,
            quiet=quiet, as_json=as_json,
        )  # fmt: skip
    except KeyboardInterrupt:
        from xai_heatmap.apps.cli.terminal import Stopped

        said = "stopped. Finished classes are kept; run the same command again to go on."
        raise Stopped(said) from None
