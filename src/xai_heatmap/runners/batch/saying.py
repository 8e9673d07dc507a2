"""Arguments of a call from Python in the words of a job, as far as there are words for them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xai_heatmap.core.listed import class_names
from xai_heatmap.explaining.preparing import Preparing
from xai_heatmap.explaining.request import ClassNames, OneTarget, choice
from xai_heatmap.runners.batch.asking import Objects

FIELDS = {
    "mode": "preprocess",
    "mean": "mean",
    "std": "std",
    "input_size": "size",
    "fit": "fit",
    "ratio": "crop",
    "resampling": "resampling",
}
"""Fields of a job, by the words of a preprocessing."""


@dataclass(frozen=True)
class Saying:
    """What a job can say of a call.

    Parameters
    ----------
    preprocess
        Fields of the preprocessing; none where it is an object.
    option
        Options of the method as words; none where one of them is an object.
    """

    preprocess: Mapping[str, Any]
    option: tuple[str, ...]

    def fields(self) -> dict[str, Any]:
        """Fields of a job."""
        return {**self.preprocess, "option": self.option}


def words_of(
    method: str | None, preprocess: Preparing, options: Mapping[str, object] | None
) -> Saying:
    """Words for a preprocessing and the options of a method.

    >>> words_of("occlusion", {"mode": "unit", "fit": "crop"}, {"window": 4}).fields()
    {'preprocess': 'unit', 'fit': 'crop', 'option': ('occlusion.window=4',)}
    """
    said: Mapping[str, Any] = {}
    if isinstance(preprocess, str):
        said = {"preprocess": preprocess}
    elif isinstance(preprocess, Mapping) and set(preprocess) <= set(FIELDS):
        said = {FIELDS[name]: value for name, value in preprocess.items()}
    if not options or not all(isinstance(own, str | int | float) for own in options.values()):
        return Saying(said, ())
    owner = f"{method}." if method else ""
    return Saying(said, tuple(f"{owner}{name}={_word(own)}" for name, own in options.items()))


def question_of(
    model: Any,
    *,
    method: str | None,
    layer: str | int,
    target: OneTarget,
    preprocess: Preparing,
    labels: ClassNames,
    options: Mapping[str, object] | None,
) -> tuple[dict[str, Any], Objects]:
    """Fields of a job that say what is asked of every picture, and what no field can say.

    Parameters
    ----------
    model
        As for `xai_heatmap.network`; a field where it is a name or a path.
    method, layer, target, preprocess, labels, options
        As for `explain`.

    Raises
    ------
    UnknownTarget
        For what is no target.
    """
    fields, objects = network_asked(
        model, preprocess=preprocess, labels=labels, method=method, options=options
    )
    own = None if target is None or isinstance(target, int | str) else choice(target)
    fields |= {
        "method": () if method is None else (method,),
        "layer": (str(layer),),
        "target": ("top1",) if target is None or own else (str(target),),
    }
    return fields, replace(objects, target=own)


def network_asked(
    model: Any,
    *,
    preprocess: Preparing,
    labels: ClassNames,
    method: str | None = None,
    options: Mapping[str, object] | None = None,
) -> tuple[dict[str, Any], Objects]:
    """Fields of a job that say which network is asked and how pictures come to it, and what no
    field can say.

    Parameters
    ----------
    model, preprocess, labels, method, options
        As for `question_of`.
    """
    said = words_of(method, preprocess, options)
    objects = Objects(
        preprocess=None if said.preprocess else preprocess,
        labels=class_names(labels),
        options=None if said.option else options,
    )
    named = os.fspath(model) if isinstance(model, str | os.PathLike) else None
    return {"model": named, **said.fields()}, objects


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
