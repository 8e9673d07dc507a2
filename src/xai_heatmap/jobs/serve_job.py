"""The web app as a job: which network is looked at, and where the page is served.

Importing this imports no framework, not even numpy: the command line's help is made from it.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from xai_heatmap.jobs.flag import Flag
from xai_heatmap.jobs.picture_job import PictureJob
from xai_heatmap.jobs.values import Words

OF_A_NETWORK = frozenset(
    {"model", "weights", "preprocess", "mean", "std", "size", "fit", "crop", "resampling", "white"}
    | {"hold", "picture", "text", "axes", "labels", "answers", "max_pixels"}
)  # fmt: skip
"""Fields that say which network it is, and how it wants its pictures."""

PAGE_PIXELS = 64_000_000
"""Pixels of a picture that a page may send."""


class Serve(PictureJob):
    """A page on which a network is looked at.

    Parameters
    ----------
    host, port
        Where it listens; the next port where that one is busy, any for 0.
    browser
        Whether the page is opened.
    open_to_network
        Whether it may listen where others can reach it.
    allow_host
        Further names by which a proxy asks for it.
    """

    kind: Literal["serve"] = "serve"
    hidden: ClassVar[frozenset[str]] = (
        frozenset(PictureJob.model_fields) - OF_A_NETWORK - {"method"}
    )

    model: Annotated[
        str | None,
        Flag(
            "As for explain.  [default: the networks that come along]",
            metavar="MODEL",
            argument=True,
        ),
    ] = None
    method: Annotated[
        Words,
        Flag(
            "What is looked at first.  [default: gradcam, of a detector layercam]", metavar="NAME"
        ),
    ] = ()
    max_pixels: Annotated[
        int, Flag("Refuse larger pictures.  [default: 64000000]", metavar="N")
    ] = PAGE_PIXELS
    host: Annotated[
        str,
        Flag(
            "Address to listen at; one that others can reach needs --open-to-network.",
            metavar="ADDRESS",
            default_shown=True,
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Field(ge=0, le=65535),
        Flag(
            "Port; the next one where it is busy, 0 for any that is free.",
            metavar="N",
            default_shown=True,
        ),
    ] = 7860
    browser: Annotated[bool, Flag("Open the page in the browser.  [default: browser]")] = True
    open_to_network: Annotated[
        bool,
        Flag(
            "Let others reach the page: whoever has the link can use the network.",
            ("--open-to-network",),
        ),
    ] = False
    allow_host: Annotated[
        Words,
        Flag("A further name by which a proxy asks for the page. Repeatable.", metavar="NAME"),
    ] = ()


class Live(Serve):
    """The camera tab of the page, or a camera of this machine, a stream or a video, with a page or
    without.

    Parameters
    ----------
    device
        The number of a camera, the address of a stream, the path of a video; None for the camera
        of whoever looks at the page.
    headless
        Whether frames are explained without a page, and told line by line.
    frames
        How many frames are explained, at most.
    save
        The folder that pictures and maps are saved to, without a page.
    """

    kind: Literal["live"] = "live"  # type: ignore[assignment] - the tag of its own kind
    hidden: ClassVar[frozenset[str]] = Serve.hidden - {"layer", "target", "option"}

    device: Annotated[
        str | None,
        Flag(
            "A camera of this machine by its number, a stream (rtsp://...) or a video file.  "
            "[default: the camera of whoever looks at the page]",
            metavar="0|FILE|URL",
            after="model",
        ),
    ] = None
    headless: Annotated[
        bool,
        Flag("Explain frames without a page: a line for each.", ("--headless",), after="device"),
    ] = False
    frames: Annotated[
        int | None,
        Field(ge=1),
        Flag("Stop after so many frames.  [default: at the end]", metavar="N", after="headless"),
    ] = None
    layer: Annotated[
        Words, Flag("auto, a name, or an index.  [default: auto]", metavar="LAYER", after="method")
    ] = ("auto",)
    save: Annotated[
        Path | None,
        Flag(
            "Save each frame's picture and map, with --headless.  [default: none is saved]",
            ("-o", "--out"),
            metavar="FOLDER",
            after="frames",
        ),
    ] = None
