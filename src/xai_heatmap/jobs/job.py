"""A job: all that one `explain` run is, in plain values, and where those values come from."""

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from xai_heatmap.core.errors import BadOption, UsageError, did_you_mean
from xai_heatmap.sources.image import LIMIT

CONFIG = "xai-heatmap.toml"
"""The file in the current folder that a job's settings are read from."""

PREFIX = "XAI_HEATMAP_"
"""What the environment variables begin with that a job's settings are read from."""


def _several(value: object) -> object:
    """One word, or a list of words; in TOML an index may stand as a number."""
    if isinstance(value, str | int | os.PathLike):
        return (str(value),)
    return tuple(map(str, value)) if isinstance(value, list | tuple) else value


def _numbers(value: object) -> object:
    """``0.5``, ``0.5,0.4,0.3`` or a list."""
    if isinstance(value, str):
        return tuple(value.replace(" ", "").split(","))
    return (value,) if isinstance(value, int | float) else value


def _rows_columns(value: object) -> object:
    """``224``, ``224x320`` or a list of rows and columns."""
    if isinstance(value, str):
        value = value.casefold().split("x")
    if isinstance(value, int):
        value = [value]
    if isinstance(value, list | tuple) and len(value) == 1:
        return (value[0], value[0])
    return value


def _whole_numbers(value: object) -> object:
    """``9``, ``12,14,16`` or a list."""
    return tuple(value.replace(" ", "").split(",")) if isinstance(value, str) else _several(value)


Words = Annotated[tuple[str, ...], BeforeValidator(_several)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(_numbers)]
Slices = Annotated[tuple[int, ...], BeforeValidator(_whole_numbers)]
"""One number is how many, several are which."""

Size = Annotated[tuple[int, int], BeforeValidator(_rows_columns)]


class Job(BaseModel):
    """Which pictures to explain, with which model, how, and where the result goes.

    The fields are called as the flags of the command line; a file of them is a job, and gives the
    same result again.

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
        As for `core.target.parsed`.
    preprocess, mean, std, size, fit, crop, resampling
        How the model wants its pictures, as in `Preprocess`; what is left out is as the model
        says. `crop` is the part of the shorter side that is kept.
    white
        Which value of a picture is white, such as 4095 of 12 bits in a file of 16.
    hold, picture
        What the model takes beside the picture, as ``name=file.npy`` or ``name=number``, and which
        input is the picture, as for `xai_heatmap.network`.
    axes
        What the axes of one input are, as for `xai_heatmap.network`.
    labels
        A file with the names of the classes.
    answers
        What the model answers, as for `core.wording.answering`.
    out
        The folder that pictures, maps and manifest are written to.
    colormap, alpha, contour, legend
        How the picture is drawn.
    axis, slices
        Of a volume: which of its axes is cut, and how many slices are shown, or which.
    max_pixels
        A picture with more is refused before it is decoded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: Words = ()
    model: str | None = None
    weights: Path | None = None
    method: Words = ()
    option: Words = ()
    layer: Words = ("auto",)
    target: Words = ("top1",)
    preprocess: str | None = None
    mean: Numbers | None = None
    std: Numbers | None = None
    size: Size | None = None
    fit: str | None = None
    crop: float | None = None
    resampling: str | None = None
    white: float | None = None
    hold: Words = ()
    picture: str | None = None
    axes: str | None = None
    labels: Path | None = None
    answers: str | None = None
    out: Path = Path("heatmaps")
    colormap: str | None = None
    alpha: float | None = None
    contour: bool | None = None
    legend: bool = False
    axis: int | None = None
    slices: Slices | None = None
    max_pixels: int = LIMIT

    def to_toml(self) -> str:
        """The job as a file that `settled` reads back."""
        facts = self.model_dump(mode="json", exclude_none=True)
        return "".join(f"{name} = {_toml(value)}\n" for name, value in facts.items())


def settled(
    flags: Mapping[str, object],
    *,
    environment: Mapping[str, str],
    folder: Path,
    given: Sequence[str] = (),
) -> Job:
    """The job that is meant: a flag before a variable before the file before the default.

    Parameters
    ----------
    flags
        What the command line says; None is not said.
    environment
        ``XAI_HEATMAP_MODEL`` and its like, named as the fields of `Job`. Several values are
        written as a TOML array.
    folder
        Where ``xai-heatmap.toml`` may lie.
    given
        Names that must have a value in the end, each checked with its own message.
    """
    said = _from_file(folder / CONFIG) | _from_environment(environment)
    said |= {name: value for name, value in flags.items() if value not in (None, [], ())}
    try:
        job = Job.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise BadOption(
            f"{name} can't be {first.get('input')!r}: {first['msg']}. `xai-heatmap explain --help` "
            "shows what it takes."
        ) from error
    if "model" in given and not job.model:
        raise UsageError(
            "A model is needed, and none was given. Say --model FILE (.keras, .h5), "
            "module.py:factory or a hub's name such as torchvision:resnet50."
        )
    if "images" in given and not job.images:
        raise UsageError(
            "A picture is needed, and none was given. Write: "
            "xai-heatmap explain PICTURE --model MODEL"
        )
    return job


def _from_file(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadOption(
            f"{str(path)!r} is not TOML that can be read: {error}. Mend that line; "
            "`xai-heatmap explain --print-config` writes such a file."
        ) from error
    for name in said:
        if name not in Job.model_fields:
            raise BadOption(
                f"{str(path)!r} sets {name!r}, which is not a setting."
                f"{did_you_mean(name, Job.model_fields)} Settings: {', '.join(Job.model_fields)}."
            )
    return said


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    """Variables of that prefix which are settings; others may belong to other tools."""
    names = {name: PREFIX + name.upper() for name in Job.model_fields}
    return {
        name: _value(environment[variable])
        for name, variable in names.items()
        if environment.get(variable)
    }


def _value(text: str) -> object:
    """Text, or several values where it is a TOML array."""
    if not text.startswith("["):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:  # a glob such as [ab]*
        return text


def _toml(value: object) -> str:
    """A flat value as TOML writes it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else repr(value)
