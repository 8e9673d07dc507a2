"""A video as a job: every frame explained, and the video written again with its heat.

Importing this imports no framework, not even numpy: the command line's help is made from it.
"""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.jobs.flag import Flag
from xai_heatmap.jobs.values import Words

OWN = frozenset({"kind", "every", "run", "top"})
"""Fields that a batch does not have."""


class Video(Batch):
    """A row for each frame of a video, and the video with its heat.

    Parameters
    ----------
    every
        Frames from one that is explained to the next; those between keep its heat.
    run
        Folder of the rows; None is the video's name with ``.run``.
    top
        Relevance that is drawn strongest; None is the strongest of the clip.
    """

    kind: Literal["video"] = "video"
    hidden: ClassVar[frozenset[str]] = Batch.hidden | {"png", "npz", "legend", "contour"}

    source: Annotated[
        Words, Flag("A video file, such as clip.mp4.", metavar="IN", argument=True)
    ] = ()
    out: Annotated[
        Path | None,
        Flag(
            "The video that is written, .mp4 or .webm.  [default: IN.xai.mp4, in this folder]",
            ("-o", "--out"), metavar="OUT", after="weights",
        ),
    ] = None  # fmt: skip
    every: Annotated[
        int, Field(ge=1),
        Flag("Explain every N-th frame; those between keep its heat.", metavar="N",
             default_shown=True, after="target"),
    ] = 1  # fmt: skip
    run: Annotated[
        Path | None,
        Flag("The folder of the rows, by which the same command goes on.  [default: OUT.run]",
             metavar="RUN", after="every"),
    ] = None  # fmt: skip
    top: Annotated[
        float | None, Field(gt=0),
        Flag("Relevance drawn strongest.  [default: the strongest of the clip]", metavar="X",
             after="run"),
    ] = None  # fmt: skip
    shard: Annotated[
        int, Field(ge=1),
        Flag("Frames of a part; a run that is killed loses no more.", metavar="N",
             default_shown=True, after="top"),
    ] = 256  # fmt: skip

    @property
    def written(self) -> Path:
        """The video that is written."""
        return self.out or Path(f"{Path(self.source[0]).stem}.xai.mp4")

    def rows(self) -> Batch:
        """The run over the frames, as a batch."""
        fields: dict[str, Any] = self.model_dump(exclude=set(OWN))
        run = self.run or self.written.with_name(f"{self.written.name}.run")
        return Batch.model_validate(fields | {"out": run})
