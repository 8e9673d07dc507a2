"""A job: all that one run is, in plain values, told apart by its kind.

Importing this imports no framework, not even numpy: the command line's help is made from it.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, TypeAdapter

from xai_heatmap.jobs.audit_job import Audit
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.jobs.flag import Flag
from xai_heatmap.jobs.picture_job import LAYER_HELP, PictureJob
from xai_heatmap.jobs.report_job import Report
from xai_heatmap.jobs.serve_job import Live, Serve
from xai_heatmap.jobs.task import Task
from xai_heatmap.jobs.values import Words
from xai_heatmap.jobs.video_job import Video


class Explain(PictureJob):
    """A heatmap for each picture, method, layer and target.

    Parameters
    ----------
    ask, tokens
        A question about each picture, of a model that answers in words, and the number of tokens at
        which its answer ends, as for `xai_heatmap.answer`.
    """

    kind: Literal["explain"] = "explain"

    ask: Annotated[
        str | None,
        Flag(
            "A question about each picture, of a model that answers in words (LLaVA, Qwen2-VL, "
            "SmolVLM, PaliGemma): one map for each token of its answer, and which tokens were said "
            "without looking. Plain words, or a prompt with the picture's token, such as <image>.",
            metavar="QUESTION",
            after="text",
        ),
    ] = None
    tokens: Annotated[
        int,
        Field(ge=1),
        Flag("Of --ask: the answer ends at N tokens.  [default: 20]", metavar="N", after="ask"),
    ] = 20


class Compare(PictureJob):
    """One sheet for each picture: methods side by side, layers below each other.

    Parameters
    ----------
    rows
        How many layers ``all`` or a glob may stand for.
    """

    kind: Literal["compare"] = "compare"
    hidden: ClassVar[frozenset[str]] = frozenset({"legend", "caption", "guard"})

    method: Annotated[
        Words,
        Flag(
            "The columns, as `xai-heatmap methods` lists them. Repeatable.  "
            "[default: gradcam,layercam,gradcam_pp,ablationcam]",
            ("--methods", "--method"),
            metavar="NAME,NAME",
            after="out",
            commas=True,
        ),
    ] = ()
    layer: Annotated[
        Words,
        Flag(
            "The rows: auto, all, names, globs, or indices such as -1. Repeatable.  "
            "[default: auto]",
            ("--layers", "--layer"),
            metavar="LAYER,LAYER",
            after="method",
            commas=True,
        ),
    ] = ("auto",)
    rows: Annotated[
        int,
        Field(ge=1),
        Flag(
            "How many layers `all` or a glob may stand for; of more, so many are shown, "
            "outer parts first, evenly through the network.",
            metavar="N",
            after="layer",
            default_shown=True,
        ),
    ] = 12


class Layers(PictureJob):
    """The layers of a model that a map can be drawn of."""

    kind: Literal["layers"] = "layers"
    hidden: ClassVar[frozenset[str]] = frozenset(PictureJob.model_fields) - {
        "model", "weights", "size", "hold", "picture", "text",
    }  # fmt: skip

    model: Annotated[str | None, Flag("As for explain.", metavar="MODEL", argument=True)] = None


class Measure(PictureJob):
    """Metrics of the maps of pictures, beside those of maps that know nothing.

    Parameters
    ----------
    metric, metric_option
        Names, and options as ``metric.name=value``.
    mask
        The truth of one picture: a picture that is not black on the object, or a ``.npy`` file.
    """

    kind: Literal["measure"] = "measure"
    hidden: ClassVar[frozenset[str]] = frozenset(
        {"out", "colormap", "alpha", "contour", "legend", "caption", "mute", "smooth"}
    ) | {"axis", "slices", "test", "passes", "guard"}

    layer: Annotated[Words, Flag(LAYER_HELP, metavar="LAYER", after="method")] = ("auto",)
    method: Annotated[
        Words,
        Flag(
            "Whose maps, as `xai-heatmap methods` lists them. Repeatable.  [default: the one "
            "that the file was exported with, else gradcam]",
            metavar="NAME",
            after="mask",
        ),
    ] = ()
    metric: Annotated[
        Words,
        Flag(
            "As `xai-heatmap metrics` lists them. Repeatable.  [default: insertion_deletion; "
            "energy where there is a mask]",
            metavar="NAME",
            after="weights",
        ),
    ] = ()
    metric_option: Annotated[
        Words,
        Flag(
            "Of the metrics that have it; METRIC.NAME=VALUE for one. Repeatable.",
            metavar="NAME=VALUE",
            after="metric",
        ),
    ] = ()
    mask: Annotated[
        Path | None,
        Flag(
            "The truth: a picture that is black beside the object, or a .npy file.",
            metavar="FILE",
            after="metric_option",
        ),
    ] = None


class Export(Task):
    """One ONNX file, or one page, that holds a model and its heatmap.

    Parameters
    ----------
    model, weights
        As for `networks.loading.load.load`.
    out
        The file that is written.
    method, layer
        What is built in, and at which layers.
    labels, preprocess
        What the file says of itself.
    image_shape
        Channels, rows and columns as ``3x224x224``, where the model leaves them open.
    runtime
        Folder of ONNX Runtime for browsers, which a page carries.
    web
        Whether `out` is a folder for static hosting.
    """

    kind: Literal["export"] = "export"

    model: Annotated[str, Flag("As for explain.", metavar="MODEL", argument=True)]
    out: Annotated[
        Path,
        Flag("Where it goes: name.onnx, name.html, or a folder.", metavar="OUT", argument=True),
    ]
    method: Annotated[
        str,
        Flag("gradcam, hirescam, layercam or eigencam.", metavar="NAME", default_shown=True),
    ] = "gradcam"
    layer: Annotated[Words, Flag(LAYER_HELP, metavar="LAYER")] = ("auto",)
    labels: Annotated[
        Path | None, Flag("Names of the classes, kept in the file.", metavar="FILE")
    ] = None
    preprocess: Annotated[
        str | None, Flag("As for explain, kept in the file.", metavar="PRESET")
    ] = None
    image_shape: Annotated[str | None, Flag("Where the model leaves it open.", metavar="CxHxW")] = (
        None
    )
    weights: Annotated[Path | None, Flag("State dict for a PyTorch model.", metavar="FILE")] = None
    runtime: Annotated[
        Path | None,
        Flag("Of a page: the unpacked npm package onnxruntime-web.  [default: npm fetches it once]",
             metavar="FOLDER"),
    ] = None  # fmt: skip
    web: Annotated[
        bool, Flag("OUT is a folder for static hosting; as export web.", names=("--web",))
    ] = False

    @classmethod
    def settings(cls) -> list[str]:
        """None: `out` is a file here, and a folder for every other job."""
        return []


Job = Annotated[
    Explain | Compare | Layers | Measure | Report | Audit | Batch | Video | Export | Serve | Live,
    Field(discriminator="kind"),
]
"""Job of any kind, told apart by the field ``kind``."""

KINDS: tuple[type[Task], ...] = (
    Explain, Compare, Layers, Measure, Report, Audit, Batch, Video, Export, Serve, Live,
)  # fmt: skip


@cache
def _any() -> Any:
    """Reader of any kind, made when a job is first read: that takes as long as all kinds do."""
    return TypeAdapter(Job)


def job_of(
    text: str,
) -> Explain | Compare | Layers | Measure | Report | Audit | Batch | Video | Export | Serve | Live:
    """The job that `model_dump_json` wrote."""
    return _any().validate_json(text)
