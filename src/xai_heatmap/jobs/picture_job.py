"""The fields of every job about pictures. Each is a flag of the command line, a setting of
``xai-heatmap.toml`` and a variable ``XAI_HEATMAP_...``, declared once.

Importing this imports no framework, not even numpy: the command line's help is made from it.
"""

from pathlib import Path
from typing import Annotated

from xai_heatmap.jobs.flag import Flag
from xai_heatmap.jobs.method_options import MethodOptions
from xai_heatmap.jobs.values import Numbers, Size, Slices, Words
from xai_heatmap.sources.limits import LIMIT

LAYER_HELP = "auto, all, a name, a glob, or an index such as -1. Repeatable.  [default: auto]"


class PictureJob(MethodOptions):
    """Job on pictures: which pictures, with which model, how explained, and where results go.

    Parameters
    ----------
    images
        Paths of the pictures.
    model, weights
        As for `networks.loading.load.load`.
    method, option
        Names, none for the one that the model's file was exported with, else Grad-CAM; options as
        ``name=value`` for every method that has it, or ``method.name=value``.
    layer
        ``auto``, ``all``, names, globs, or indices among the layers with a grid.
    target
        As for `core.targets.wording.parsed`.
    preprocess, mean, std, size, fit, crop, resampling
        How the model wants its pictures, as in `Preprocess`; what is left out is as the model
        says. `crop` is the part of the shorter side that is kept.
    white
        Which value of a picture is white, such as 4095 of 12 bits in a file of 16.
    hold, picture
        What the model takes beside the picture, as ``name=file.npy`` or ``name=number``, and which
        input is the picture, as for `xai_heatmap.network`.
    text
        Texts that a picture is held against, by a model of two towers, as for `xai_heatmap.text`.
    axes
        What the axes of one input are, as for `xai_heatmap.network`.
    labels
        A file with the names of the classes.
    answers
        What the model answers, as for `core.targets.wording.answering`.
    out
        The folder that pictures, maps and manifest are written to.
    colormap, alpha, contour, legend, caption, mute, smooth
        How the picture is drawn.
    axis, slices
        Of a volume: which of its axes is cut, and how many slices are shown, or which.
    test, passes, guard
        Whether maps are tested, in how many forward passes, and whether one that fails is shown
        beside the usual one.
    max_pixels
        A picture with more is refused before it is decoded.
    """

    images: Annotated[
        Words,
        Flag(
            "Pictures; signals, volumes and pictures of other bands as .npy.",
            metavar="IMG",
            argument=True,
        ),
    ] = ()
    model: Annotated[
        str | None, Flag("Which model; see below.", ("-m", "--model"), metavar="MODEL")
    ] = None
    weights: Annotated[
        Path | None,
        Flag(
            "State dict for a PyTorch model: .safetensors, .pt, .pth. Never runs code from it.",
            metavar="FILE",
        ),
    ] = None
    method: Annotated[
        Words,
        Flag(
            "As `xai-heatmap methods` lists them. Repeatable.  [default: the one that the "
            "file was exported with, else gradcam, of a detector layercam_product]",
            metavar="NAME",
            after="layer",
        ),
    ] = ()
    option: Annotated[
        Words,
        Flag(
            "Of the methods that have it; METHOD.NAME=VALUE for one. Repeatable.",
            metavar="NAME=VALUE",
        ),
    ] = ()
    layer: Annotated[Words, Flag(LAYER_HELP, metavar="LAYER", after="out")] = ("auto",)
    target: Annotated[
        Words,
        Flag(
            "top1, top5 (the first five), a class's name or index, or A-B: why A rather "
            "than B; with @LEFT,TOP,RIGHT,BOTTOM or @all over that part of the picture, where "
            "every place is scored; of a detector box:LEFT,TOP,RIGHT,BOTTOM:CLASS, or boxes for "
            "all that it found. Repeatable.  [default: top1]",
            metavar="CLASS",
        ),
    ] = ("top1",)
    preprocess: Annotated[
        str | None,
        Flag(
            "imagenet, torch, tf, caffe, unit or raw.  [default: what the model says]",
            metavar="PRESET",
        ),
    ] = None
    mean: Annotated[Numbers | None, Flag("Instead of the preset's.", metavar="R,G,B")] = None
    std: Annotated[Numbers | None, Flag("Instead of the preset's.", metavar="R,G,B")] = None
    size: Annotated[
        Size | None,
        Flag("Rows and columns that the model takes: 224 or 224x320.", metavar="HxW"),
    ] = None
    fit: Annotated[
        str | None,
        Flag(
            "crop, stretch, letterbox or squash (stretch, then crop).  [default: as the model's "
            "source says; else crop for imagenet and torch, letterbox for detectors, stretch for "
            "all others; a picture of the model's size goes in as it is]",
            metavar="HOW",
        ),
    ] = None
    crop: Annotated[
        float | None,
        Flag("Part of the shorter side that --fit crop keeps.  [default: 0.875]", metavar="SHARE"),
    ] = None
    resampling: Annotated[
        str | None, Flag("bilinear, bicubic, nearest, lanczos, ...", metavar="HOW")
    ] = None
    white: Annotated[
        float | None,
        Flag(
            "Which value of the picture is white, where that is not the highest of its type: 4095 "
            "of 12 bits in a file of 16.",
            metavar="VALUE",
        ),
    ] = None
    hold: Annotated[
        Words,
        Flag(
            "What the model takes beside the picture: NAME=FILE.npy, NAME=1.5, or a row "
            "NAME=1,2,3. Repeatable.",
            metavar="NAME=VALUE",
        ),
    ] = ()
    picture: Annotated[
        str | None, Flag("Which input of the model is the picture.", metavar="NAME")
    ] = None
    text: Annotated[
        Words,
        Flag(
            "A text that pictures are held against, by a model such as CLIP or SigLIP; the texts "
            "are the classes then. Repeatable.",
            metavar="WORDS",
        ),
    ] = ()
    axes: Annotated[
        str | None,
        Flag(
            "What the axes of one input are: c channels, t d h w f l the others, in their order, "
            "such as tchw for frames of pictures, tc for time and features.",
            metavar="LETTERS",
        ),
    ] = None
    labels: Annotated[
        Path | None,
        Flag("Names of the classes: .csv (index,name), .txt, .json.", metavar="FILE"),
    ] = None
    answers: Annotated[
        str | None,
        Flag(
            "What the model answers, where it does not say it: classes, labels, values or boxes; "
            "boxes:xyxy,pixels and the like where nobody can see how boxes are read.",
            metavar="WHAT",
        ),
    ] = None
    out: Annotated[
        Path,
        Flag(
            "Where results go.  [default: heatmaps]",
            ("-o", "--out"),
            metavar="FOLDER",
            after="weights",
        ),
    ] = Path("heatmaps")
    colormap: Annotated[
        str | None,
        Flag(
            "inferno, viridis, gray, jet or bluered.  [default: inferno; bluered if signed]",
            metavar="NAME",
        ),
    ] = None
    alpha: Annotated[
        float | None,
        Flag("Opacity of the strongest heat.  [default: 0.75]", metavar="0..1"),
    ] = None
    contour: Annotated[
        bool | None,
        Flag(
            "Outline the places with half of the strongest heat or more.  "
            "[default: on grids up to 32x32, and pictures of 64 pixels a side or more]"
        ),
    ] = None
    legend: Annotated[bool, Flag("Add a bar with the values.")] = False
    caption: Annotated[
        bool,
        Flag(
            "Write class, probability, method, layer and verdict below each picture.  "
            "[default: caption]"
        ),
    ] = True
    mute: Annotated[
        bool | None,
        Flag(
            "Draw over a greyer and darker photograph.  [default: where the heat would not stand "
            "out, as little as that takes]"
        ),
    ] = None
    smooth: Annotated[
        bool, Flag("Draw coarse grids in curves; the numbers stay.  [default: smooth]")
    ] = True
    axis: Annotated[
        int | None,
        Flag("Of a volume: the axis that is cut.  [default: 0, the first]", metavar="0..2"),
    ] = None
    slices: Annotated[
        Slices | None,
        Flag(
            "Of a volume: how many slices are drawn, or which, by the numbers below them.  "
            "[default: 12]",
            metavar="N|A,B,...",
        ),
    ] = None
    test: Annotated[
        bool,
        Flag(
            "Test every map: does it predict what moves the score when halves of the picture are "
            "taken away? One set of passes for all maps of a picture."
        ),
    ] = False
    passes: Annotated[
        int, Flag("Forward passes of the test: 32, 64 or 128.  [default: 64]", metavar="N")
    ] = 64
    guard: Annotated[
        bool,
        Flag("Test every map, and show one that fails beside Grad-CAM at the layer `auto`."),
    ] = False
    max_pixels: Annotated[
        int, Flag("Refuse larger pictures.  [default: 200000000]", metavar="N")
    ] = LIMIT
