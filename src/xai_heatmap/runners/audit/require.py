"""Requirements on the figures of an audit, for continuous integration: ``tested>=0.9``."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xai_heatmap.core.errors import BadOption, did_you_mean

SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq,
}  # fmt: skip

WRITTEN = re.compile(r"\s*(\S+?)\s*(>=|<=|==|>|<)\s*(\S+)\s*$")

NAMES = {
    "tested": "share of pictures in which the usual map (else the recommended one) passes",
    "tested.low": "lower end of its 95 % interval",
    "recommended": "the same share of the recommended map",
    "findings": "number of findings",
    "failed": "share of pictures that could not be looked at",
    "dead": "largest share of dead channels of a layer",
    "saturated": "largest share of values of a layer at the end of its range",
    "offset": "largest offset of a layer's cells, in cells",
    "sure": "mean probability of the prediction",
}
"""Figures that may be required, and what they are; beside ``tested.METHOD@LAYER``."""


@dataclass(frozen=True)
class Requirement:
    """One requirement: a figure, a sign, a number."""

    name: str
    sign: str
    number: float

    def __str__(self) -> str:
        return f"{self.name}{self.sign}{self.number:g}"

    def met(self, figures: Mapping[str, float | None]) -> bool:
        """Whether the figures meet it; one that could not be measured meets nothing.

        Raises
        ------
        BadOption
            For a figure that the audit does not have.
        """
        if self.name not in figures:
            raise BadOption(
                f"An audit has no figure {self.name!r}.{did_you_mean(self.name, figures)} It has "
                f"{', '.join(NAMES)}, and tested.METHOD@LAYER of every map."
            )
        value = figures[self.name]
        return value is not None and SIGNS[self.sign](value, self.number)


def requirement(text: str) -> Requirement:
    """The requirement that is written so; names are checked as far as that goes without an audit.

    Raises
    ------
    BadOption
        For anything else.
    """
    found = WRITTEN.match(text)
    try:
        name, sign, number = found.groups() if found else ("", "", "")
        value = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        name, sign, value = "", "", 0.0
    if not name:
        raise BadOption(
            "A requirement is a figure, a sign and a number, such as tested>=0.9 or findings<=0 "
            f"(in quotes, or the shell reads > itself); received {text!r}."
        )
    if name not in NAMES and not name.startswith("tested."):
        raise BadOption(
            f"An audit has no figure {name!r}.{did_you_mean(name, NAMES)} It has "
            f"{', '.join(NAMES)}, and tested.METHOD@LAYER of every map."
        )
    return Requirement(name, sign, value)


def figures(document: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures that may be required; None for what could not be measured."""
    tested = {one["name"]: one for one in document["tested"]}
    named = document["recommended"]["name"]
    own = tested.get(document["usual"] or named or "", {})
    layers, pictures = document["layers"], document["pictures"]
    cells = [
        abs(off) / cell
        for one in document["registration"]
        for off, cell in zip(one["offset"], one["cell"], strict=True)
    ]
    return {
        "tested": own.get("share"),
        "tested.low": own.get("low"),
        "recommended": tested.get(named or "", {}).get("share"),
        "findings": float(len(document["findings"])),
        "failed": pictures["failed"] / max(pictures["asked"], 1),
        "dead": max((one["share"] for one in layers), default=None),
        "saturated": max((one["ended"] or 0.0 for one in layers), default=None),
        "offset": max(cells, default=None),
        "sure": document["predictions"].get("sure"),
        **{f"tested.{name}": one["share"] for name, one in tested.items()},
    }
