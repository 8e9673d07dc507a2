"""`xai-heatmap compare`: methods and layers side by side on one sheet."""

from typing import Annotated

import typer

from xai_heatmap.apps.cli.flags import (
    Alpha,
    Answers,
    Axes,
    Axis,
    Colormap,
    Contour,
    Crop,
    Debug,
    Fit,
    Hold,
    Images,
    Json,
    Labels,
    MaxPixels,
    Mean,
    Model,
    Options,
    Out,
    Picture,
    Preset,
    Resampling,
    Size,
    Slices,
    Std,
    Targets,
    Weights,
    White,
)

EPILOG = """\b
Examples:
  xai-heatmap compare dog.jpg -m torchvision:resnet50
  xai-heatmap compare dog.jpg -m model.keras --methods gradcam,layercam,rise
  xai-heatmap compare dog.jpg -m model.keras --methods gradcam,layercam --layers all
  xai-heatmap compare dog.jpg -m model.onnx --layers "*Relu*" --rows 30
  xai-heatmap compare dog.jpg -m model.keras --target top3

\b
One row a layer, one column a method; below each map stands its verdict. Where a
method refuses a layer, its place says why, and the others go on. Layers with one and
the same output share a row. Sheets of more than 12 rows go on further pages.

\b
MODEL is as for explain: a file, net.py:make, or a hub's name. Flags can stand in
xai-heatmap.toml or in variables such as XAI_HEATMAP_MODEL, as for explain.
"""


def compare(
    images: Images = None,
    model: Model = None,
    weights: Weights = None,
    out: Out = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            "--methods",
            "--method",
            metavar="NAME,NAME",
            help="The columns, as `xai-heatmap methods` lists them. Repeatable.  "
            "[default: gradcam,layercam,gradcam_pp,ablationcam]",
        ),
    ] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(
            "--layers",
            "--layer",
            metavar="LAYER,LAYER",
            help="The rows: auto, all, names, globs, or indices such as -1. Repeatable.  "
            "[default: auto]",
        ),
    ] = None,
    rows: Annotated[
        int,
        typer.Option(
            "--rows",
            metavar="N",
            min=1,
            help="How many layers `all` or a glob may stand for; of more, so many are shown, "
            "outer parts first, evenly through the network.",
        ),
    ] = 12,
    option: Options = None,
    target: Targets = None,
    preprocess: Preset = None,
    mean: Mean = None,
    std: Std = None,
    size: Size = None,
    fit: Fit = None,
    crop: Crop = None,
    resampling: Resampling = None,
    white: White = None,
    hold: Hold = None,
    picture: Picture = None,
    axes: Axes = None,
    labels: Labels = None,
    answers: Answers = None,
    colormap: Colormap = None,
    alpha: Alpha = None,
    contour: Contour = None,
    axis: Axis = None,
    slices: Slices = None,
    max_pixels: MaxPixels = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Write one sheet of a picture: every method at every layer that is asked for."""
    from xai_heatmap.apps.cli.comparing import compared

    flags = {
        "images": images,
        "model": model,
        "weights": weights,
        "out": out,
        "method": _parts(methods),
        "layer": _parts(layers),
        "option": option,
        "target": target,
        "preprocess": preprocess,
        "mean": mean,
        "std": std,
        "size": size,
        "fit": fit,
        "crop": crop,
        "resampling": resampling,
        "white": white,
        "hold": hold,
        "picture": picture,
        "axes": axes,
        "labels": labels,
        "answers": answers,
        "colormap": colormap,
        "alpha": alpha,
        "contour": contour,
        "axis": axis,
        "slices": slices,
        "max_pixels": max_pixels,
    }
    return compared(flags, rows=rows, as_json=as_json)


def _parts(words: list[str] | None) -> list[str]:
    """Words between commas; a comma within brackets belongs to a glob."""
    parts: list[str] = []
    for word in words or ():
        pieces, depth = [""], 0
        for letter in word:
            depth += (letter == "[") - (letter == "]")
            if letter == "," and depth == 0:
                pieces.append("")
            else:
                pieces[-1] += letter
        parts += [piece.strip() for piece in pieces if piece.strip()]
    return parts
