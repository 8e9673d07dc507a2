"""Settings: the values of a job from flags, variables and a file in the current folder."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from xai_heatmap.core.errors import BadOption, UsageError, did_you_mean
from xai_heatmap.jobs.task import Task

CONFIG = "xai-heatmap.toml"
"""The file in the current folder that a job's settings are read from."""

PREFIX = "XAI_HEATMAP_"
"""Prefix of the environment variables that a job's settings are read from."""

Own = TypeVar("Own", bound=Task)


def settled(
    kind: type[Own],
    flags: Mapping[str, object],
    *,
    environment: Mapping[str, str],
    folder: Path,
    given: Sequence[str] = (),
) -> Own:
    """The job that is meant: a flag before a variable before the file before the default.

    Parameters
    ----------
    kind
        Which job.
    flags
        What the command line says; None is not said.
    environment
        ``XAI_HEATMAP_MODEL`` and its like, named as the fields of the job. Several values are
        written as a TOML array.
    folder
        Where ``xai-heatmap.toml`` may lie.
    given
        Names that must have a value in the end, each checked with its own message.
    """
    own = kind.settings()
    said = _from_file(folder / CONFIG, kind) if own else {}
    said = {name: value for name, value in said.items() if name in own}
    said |= _from_environment(environment, own)
    said |= {name: value for name, value in flags.items() if value not in (None, [], ())}
    try:
        job = kind.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise BadOption(
            f"{name} can't be {first.get('input')!r}: {first['msg']}. `xai-heatmap {_command(kind)}"
            "--help` shows what it takes."
        ) from error
    if "model" in given and not getattr(job, "model", None):
        raise UsageError(
            "A model is needed, and none was given. Say --model FILE (.onnx, .keras, .h5), "
            "module.py:factory or a hub's name such as torchvision:resnet50."
        )
    if "images" in given and not getattr(job, "images", None):
        raise UsageError(
            "A picture is needed, and none was given. Write: xai-heatmap "
            f"{_command(kind) or 'explain '}PICTURE --model MODEL"
        )
    return job


def _command(kind: type[Task]) -> str:
    """The command of a job; one that is a further kind of it has the same."""
    said = kind.model_fields["kind"].default
    return f"{said} " if isinstance(said, str) else ""


def _from_file(path: Path, kind: type[Task]) -> dict[str, object]:
    if not path.is_file():
        return {}
    from xai_heatmap.jobs.job import KINDS  # every job, which no other call needs

    known = dict.fromkeys(name for job in (*KINDS, kind) for name in job.settings())
    try:
        said = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadOption(
            f"{str(path)!r} is not TOML that can be read: {error}. Mend that line; "
            "`xai-heatmap explain --print-config` writes such a file."
        ) from error
    for name in said:
        if name not in known:
            raise BadOption(
                f"{str(path)!r} sets {name!r}, which is not a setting."
                f"{did_you_mean(name, known)} Settings: {', '.join(known)}."
            )
    return said


def _from_environment(environment: Mapping[str, str], own: Iterable[str]) -> dict[str, object]:
    """Variables of that prefix which are settings; others may belong to other tools."""
    names = {name: PREFIX + name.upper() for name in own}
    return {
        name: _value(environment[variable])
        for name, variable in names.items()
        if environment.get(variable)
    }


def _value(text: str) -> object:
    """Value of a setting: text, or several values of a TOML array."""
    if not text.startswith("["):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:  # a glob such as [ab]*
        return text
