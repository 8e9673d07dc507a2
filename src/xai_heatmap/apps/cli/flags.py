"""Flags that several commands have. Importing this imports no framework, not even numpy."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, errors included.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="State dict for a PyTorch model: .safetensors, .pt, .pth. Never runs code from it.",
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size", metavar="HxW", help="Rows and columns that the model takes: 224 or 224x320."
    ),
]
Images = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="IMG",
        help="Pictures; signals, volumes and pictures of other bands as .npy.",
        show_default=False,
    ),
]
Model = Annotated[
    str | None, typer.Option("-m", "--model", metavar="MODEL", help="Which model; see below.")
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="FOLDER", help="Where results go.  [default: heatmaps]"),
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="Of the methods that have it; METHOD.NAME=VALUE for one. Repeatable.",
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="CLASS",
        help="top1, top5 (the first five), a class's name or index, or A-B: why A rather "
        "than B; with @LEFT,TOP,RIGHT,BOTTOM or @all over that part of the picture, where every "
        "place is scored; box:LEFT,TOP,RIGHT,BOTTOM:CLASS of a detector. Repeatable.  "
        "[default: top1]",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preprocess",
        metavar="PRESET",
        help="imagenet, torch, tf, caffe, unit or raw.  [default: what the model says]",
    ),
]
Mean = Annotated[
    str | None, typer.Option("--mean", metavar="R,G,B", help="Instead of the preset's.")
]
Std = Annotated[str | None, typer.Option("--std", metavar="R,G,B", help="Instead of the preset's.")]
Fit = Annotated[
    str | None,
    typer.Option(
        "--fit",
        metavar="HOW",
        help="crop, stretch, letterbox or squash (stretch, then crop).  [default: as the model's "
        "source says; else crop for imagenet and torch, letterbox for detectors, stretch for all "
        "others; a picture of the model's size goes in as it is]",
    ),
]
Crop = Annotated[
    float | None,
    typer.Option(
        "--crop",
        metavar="SHARE",
        help="Part of the shorter side that --fit crop keeps.  [default: 0.875]",
    ),
]
Resampling = Annotated[
    str | None,
    typer.Option("--resampling", metavar="HOW", help="bilinear, bicubic, nearest, lanczos, ..."),
]
White = Annotated[
    float | None,
    typer.Option(
        "--white",
        metavar="VALUE",
        help="Which value of the picture is white, where that is not the highest of its type: 4095 "
        "of 12 bits in a file of 16.",
    ),
]
Hold = Annotated[
    list[str] | None,
    typer.Option(
        "--hold",
        metavar="NAME=VALUE",
        help="What the model takes beside the picture: NAME=FILE.npy, NAME=1.5, or a row "
        "NAME=1,2,3. Repeatable.",
    ),
]
Picture = Annotated[
    str | None,
    typer.Option("--picture", metavar="NAME", help="Which input of the model is the picture."),
]
Axes = Annotated[
    str | None,
    typer.Option(
        "--axes",
        metavar="LETTERS",
        help="What the axes of one input are: c channels, t d h w f l the others, in their order, "
        "such as tchw for frames of pictures, tc for time and features.",
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels", metavar="FILE", help="Names of the classes: .csv (index,name), .txt, .json."
    ),
]
Answers = Annotated[
    str | None,
    typer.Option(
        "--answers",
        metavar="WHAT",
        help="What the model answers, where it does not say it: classes, labels, values or boxes; "
        "boxes:xyxy,pixels and the like where nobody can see how boxes are read.",
    ),
]
Colormap = Annotated[
    str | None,
    typer.Option(
        "--colormap",
        metavar="NAME",
        help="inferno, viridis, gray, jet or bluered.  [default: inferno; bluered if signed]",
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option("--alpha", metavar="0..1", help="Opacity of the strongest heat.  [default: 0.75]"),
]
Contour = Annotated[
    bool | None,
    typer.Option(
        "--contour/--no-contour",
        help="Outline the places with half of the strongest heat or more.  "
        "[default: on grids up to 32x32]",
    ),
]
Axis = Annotated[
    int | None,
    typer.Option(
        "--axis", metavar="0..2", help="Of a volume: the axis that is cut.  [default: 0, the first]"
    ),
]
Slices = Annotated[
    str | None,
    typer.Option(
        "--slices",
        metavar="N|A,B,...",
        help="Of a volume: how many slices are drawn, or which, by the numbers below them.  "
        "[default: 12]",
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option("--max-pixels", metavar="N", help="Refuse larger pictures.  [default: 200000000]"),
]
