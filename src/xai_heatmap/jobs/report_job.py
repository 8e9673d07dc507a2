"""A report as a job: pictures, or a finished run, as a page that is looked at from disk.

Importing this imports no framework, not even numpy: the command line's help is made from it.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from xai_heatmap.jobs.flag import Flag
from xai_heatmap.jobs.picture_job import PictureJob
from xai_heatmap.jobs.values import Words

DRAWN = frozenset(
    {"colormap", "alpha", "contour", "legend", "caption", "mute", "smooth", "axis", "slices"}
)
"""Fields of how a map is drawn, which a page leaves to its reader."""

OF_RUN = frozenset({"images", "out", "title", "worst"})
"""Fields that the page of a run goes by; its maps are there already."""


class Report(PictureJob):
    """One page with every picture and its maps.

    Parameters
    ----------
    title
        Head of the page.
    rows
        How many layers ``all`` or a glob may stand for.
    worst
        Of a run: how many of its rows, the least sure first.
    """

    kind: Literal["report"] = "report"
    hidden: ClassVar[frozenset[str]] = DRAWN | {"guard"}

    images: Annotated[
        Words,
        Flag(
            "Pictures, or the folder of one run of `xai-heatmap batch`.",
            metavar="IMG|RUN",
            argument=True,
        ),
    ] = ()
    out: Annotated[
        Path,
        Flag(
            "The page that is written.  [default: report.html]",
            ("-o", "--out"), metavar="PAGE", after="weights",
        ),
    ] = Path("report.html")  # fmt: skip
    method: Annotated[
        Words,
        Flag(
            "The methods to switch between. Repeatable.  [default: gradcam,layercam]",
            ("--methods", "--method"), metavar="NAME,NAME", after="out", commas=True,
        ),
    ] = ()  # fmt: skip
    layer: Annotated[
        Words,
        Flag(
            "The layers to scrub: auto, all, names, globs, or indices such as -1. Repeatable.  "
            "[default: all]",
            ("--layers", "--layer"), metavar="LAYER,LAYER", after="method", commas=True,
        ),
    ] = ("all",)  # fmt: skip
    rows: Annotated[
        int, Field(ge=1),
        Flag("How many layers `all` or a glob may stand for, evenly through the network.",
             metavar="N", after="layer", default_shown=True),
    ] = 12  # fmt: skip
    target: Annotated[
        Words,
        Flag(
            "As for explain.  [default: top3, or as many as the network tells apart]",
            metavar="CLASS",
            after="rows",
        ),
    ] = ("top3",)
    title: Annotated[
        str, Flag("Head of the page.  [default: what it shows]", metavar="WORDS", after="target")
    ] = ""
    worst: Annotated[
        int, Field(ge=1),
        Flag("Of a run: how many of its rows, the least sure first.", metavar="N", after="title",
             default_shown=True),
    ] = 200  # fmt: skip

    @classmethod
    def settings(cls) -> list[str]:
        """As of every job, but `out`: that is a folder for the others."""
        return [name for name in super().settings() if name != "out"]
