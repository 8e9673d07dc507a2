"""A batch: a run over all pictures of a folder, a manifest or an archive, which can be resumed.

Importing this imports no framework, not even numpy: the command line's help is made from it.
"""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from xai_heatmap.jobs.flag import Flag
from xai_heatmap.jobs.picture_job import LAYER_HELP, PictureJob
from xai_heatmap.jobs.values import Words

BESIDE_ROWS = frozenset(
    {"kind", "images", "out", "runner", "workers", "decoders", "max_errors"}
    | {"test", "passes", "guard"}  # of one picture at a time
)  # fmt: skip
"""Fields that change how a run is made, and none of its rows."""

DRAWN = frozenset(
    {"colormap", "alpha", "contour", "legend", "caption", "mute", "smooth", "axis", "slices"}
)  # fmt: skip
"""Fields that change the pictures that are drawn, and none of the rows."""


class Batch(PictureJob):
    """A row for each picture of a source: one method, one layer, one target.

    Parameters
    ----------
    source
        Folders, patterns, manifests, archives or addresses.
    maps
        Type that maps are kept in: ``uint8`` or ``float32``.
    png, npz
        Whether each picture is drawn, and whether each map is written as a file of its own.
    shard
        Rows of a part: what is lost, at most, where a run is killed.
    batch
        Pictures that go through the network together, at most.
    decoders
        Threads that read and prepare pictures.
    runner, workers
        ``local`` is this process, ``processes`` several, each with a model of its own, ``ray``
        workers of Ray; how many.
    max_errors
        A run with more pictures that can't be explained is stopped: a number, or a share as ``1%``.
    """

    kind: Literal["batch"] = "batch"
    hidden: ClassVar[frozenset[str]] = frozenset(
        {"images", "axis", "slices", "test", "passes", "guard"}
    )

    source: Annotated[
        Words,
        Flag(
            "A folder, a pattern in quotes, a manifest (.txt, .csv, .parquet), WebDataset "
            "archives (.tar), a video, hf:NAME?split=test of Hugging Face, or an address such as "
            "s3://bucket/folder.",
            metavar="SRC",
            argument=True,
        ),
    ] = ()
    method: Annotated[
        Words,
        Flag(
            "One, as `xai-heatmap methods` lists them.  [default: the one that the file was "
            "exported with, else gradcam]",
            metavar="NAME",
            after="layer",
        ),
    ] = ()
    layer: Annotated[
        Words, Flag(LAYER_HELP.replace("auto, all, a name, a glob,", "auto, a name")
                    .replace(" Repeatable.", ""), metavar="LAYER", after="out"),
    ] = ("auto",)  # fmt: skip
    out: Annotated[
        Path,
        Flag(
            "The folder of the run; the same command goes on with it.  [default: run]",
            ("-o", "--out"), metavar="RUN", after="weights",
        ),
    ] = Path("run")  # fmt: skip
    maps: Annotated[
        Literal["uint8", "float32"],
        Flag("uint8, or float32 with every digit.", metavar="TYPE", default_shown=True,
             after="target"),
    ] = "uint8"  # fmt: skip
    png: Annotated[bool, Flag("Draw every picture with its heat, too.", after="maps")] = False
    npz: Annotated[bool, Flag("Write every map as a file of numpy, too.", after="png")] = False
    shard: Annotated[
        int, Field(ge=1),
        Flag("Rows of a part; a run that is killed loses no more.", metavar="N",
             default_shown=True, after="npz"),
    ] = 4096  # fmt: skip
    batch: Annotated[
        int, Field(ge=1),
        Flag("Pictures that go through the network together; fewer where memory ends.",
             metavar="N", default_shown=True, after="shard"),
    ] = 32  # fmt: skip
    decoders: Annotated[
        int | None, Field(ge=1),
        Flag("Threads that read pictures meanwhile.  [default: one for each core, at most 8]",
             metavar="N", after="batch"),
    ] = None  # fmt: skip
    runner: Annotated[
        Literal["local", "processes", "ray"],
        Flag("local: this process. processes: several, each with its own model. ray: workers of "
             "Ray, here or on a cluster.", metavar="WHICH", default_shown=True, after="decoders"),
    ] = "local"  # fmt: skip
    workers: Annotated[
        int | None, Field(ge=1),
        Flag("Of --runner processes and ray.  [default: one for each two cores]", metavar="N",
             after="runner"),
    ] = None  # fmt: skip
    max_errors: Annotated[
        str | None,
        Flag("Stop where more pictures than that can't be explained: 100, or 1%.", metavar="N",
             after="workers"),
    ] = None  # fmt: skip

    @field_validator("max_errors", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) else value

    def deciding(self) -> dict[str, object]:
        """The settings that decide what the rows are, in plain values: a run has one of each."""
        aside = BESIDE_ROWS | (frozenset() if self.png else DRAWN)
        return {
            name: value
            for name, value in self.model_dump(mode="json").items()
            if name not in aside and value is not None
        }
