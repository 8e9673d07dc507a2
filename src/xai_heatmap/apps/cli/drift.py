"""`xai-heatmap drift`: which classes' heat moved between two runs over the same pictures."""

from pathlib import Path
from typing import Annotated

import typer

from xai_heatmap.apps.cli.flags import Debug, Json

EPILOG = """\b
Examples:
  xai-heatmap drift run-of-monday run-of-friday
  xai-heatmap drift float32 int8 --tolerated 0.02
  xai-heatmap drift old new --noise old-cropped-otherwise --json

\b
Of each picture the two maps are compared by the share of heat that lies elsewhere. A
class moved where the interval of its mean lies above what is tolerated; with --noise,
one more run of the first network, above what moves there without a reason. Exit code
0: no class moved. 1: some did.
"""

MOVED = 1


def drift(
    first: Annotated[Path, typer.Argument(metavar="A", help="A run of `xai-heatmap batch`.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="One over the same pictures.")],
    noise: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="One of A's network, over the pictures prepared a little differently.",
        ),
    ] = None,
    tolerated: Annotated[
        float, typer.Option(metavar="SHARE", help="Of the heat may lie elsewhere.")
    ] = 0.05,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Say which classes' heat moved between two runs, by how much, and how sure that is."""
    from xai_heatmap.apps.cli.terminal import print_json, print_lines, table
    from xai_heatmap.core.counted import counted
    from xai_heatmap.runners.batch.drift import drift as compared
    from xai_heatmap.runners.batch.status import unfinished

    found = compared(first, second, noise=noise, tolerated=tolerated)
    if as_json:
        classes = [vars(one) for one in found.classes]
        print_json({**vars(found), "classes": classes, "moved": len(found.moved)})
        return MOVED if found.moved else 0
    said = {True: "moved", False: "", None: "too few"}
    rows = [
        (
            one.name, str(one.pictures), str(one.changed), f"{one.shift:.3f}", f"{one.noise:.3f}",
            f"{one.low:.3f} to {one.high:.3f}" if one.moved is not None else "", said[one.moved],
        )
        for one in found.classes
    ]  # fmt: skip
    head = ("class", "pictures", "other class", "heat elsewhere", "noise", "beyond it", "")
    print_lines(table(head, rows))
    told = f"{len(found.moved)} of {counted(len(found.classes), 'class')} moved by more than "
    told += (
        f"{found.tolerated:g}; {counted(found.pictures, 'picture')}, {found.left_out} without a "
    )
    print_lines(["", f"{told}map", *filter(None, [unfinished(found.waiting)])])
    return MOVED if found.moved else 0
