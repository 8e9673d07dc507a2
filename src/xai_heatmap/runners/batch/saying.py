"""Arguments of a call from Python in the words of a job, as far as there are words for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xai_heatmap.explaining.preparing import Preparing

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


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
