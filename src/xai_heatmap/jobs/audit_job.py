"""An audit: a network looked at on its own pictures, with every check of the package at once.

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

ASIDE = DRAWN | {"kind", "images", "out", "target", "test", "guard", "require"}
"""Fields that change none of the figures."""


class Audit(PictureJob):
    """Checks of one network on the pictures of a source.

    Parameters
    ----------
    source
        The model where it is no flag, then folders, patterns, manifests, archives or addresses.
    pictures
        Most pictures, taken evenly from the source.
    closer
        How many of them are also prepared otherwise, disturbed place by place, and shown to
        networks with weights drawn again.
    seed
        Of all that is drawn.
    require
        What has to hold, as ``tested>=0.9``; else the exit code is 5.
    """

    kind: Literal["audit"] = "audit"
    hidden: ClassVar[frozenset[str]] = DRAWN | {"images", "target", "test", "guard"}

    source: Annotated[
        Words,
        Flag(
            "The model, then a folder, a pattern in quotes, a manifest (.txt, .csv, .parquet), or "
            "WebDataset archives (.tar). With --model all of them are pictures.",
            metavar="MODEL PICTURES",
            argument=True,
        ),
    ] = ()
    method: Annotated[
        Words,
        Flag(
            "As `xai-heatmap methods` lists them. Repeatable.  [default: those of one forward and "
            "one backward pass]",
            ("--method", "--methods"),
            metavar="NAME",
            after="layer",
            commas=True,
        ),
    ] = ()
    layer: Annotated[
        Words,
        Flag(
            "Names, globs, or indices such as -1. Repeatable.  [default: the last layers of the "
            "coarsest grids]",
            ("--layer", "--layers"),
            metavar="LAYER",
            after="out",
            commas=True,
        ),
    ] = ("auto",)
    out: Annotated[
        Path,
        Flag(
            "The folder of page and figures; the same command goes on with it.  [default: audit]",
            ("-o", "--out"), metavar="FOLDER", after="weights",
        ),
    ] = Path("audit")  # fmt: skip
    pictures: Annotated[
        int, Field(ge=1),
        Flag("Most pictures, taken evenly from all of them.", metavar="N", default_shown=True,
             after="passes"),
    ] = 100  # fmt: skip
    closer: Annotated[
        int, Field(ge=0),
        Flag("How many of them are also prepared otherwise, disturbed place by place, and shown "
             "to networks with weights drawn again.", metavar="N", default_shown=True,
             after="pictures"),
    ] = 40  # fmt: skip
    seed: Annotated[
        int, Field(ge=0),
        Flag("Of all that is drawn.", metavar="N", default_shown=True, after="closer"),
    ] = 0  # fmt: skip
    require: Annotated[
        Words,
        Flag("What has to hold, such as \"tested>=0.9\" or \"findings<=0\"; else the exit code is "
             "5. Repeatable; see below.", metavar="FIGURE>=N", after="seed"),
    ] = ()  # fmt: skip

    def deciding(self) -> dict[str, object]:
        """The settings that decide what the figures are, in plain values."""
        said = self.model_dump(mode="json")
        return {n: own for n, own in said.items() if n not in ASIDE and own is not None}
