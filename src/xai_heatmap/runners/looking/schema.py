"""Options of a method as JSON schema, from which a page makes a form."""

import math
from collections.abc import Mapping

from xai_heatmap.core.options import Option

TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def schema(taken: Mapping[str, Option]) -> dict[str, object]:
    """Schema of the options; what only an array can say is left out.

    >>> from xai_heatmap.core.options import Within
    >>> schema({"steps": Option("steps", 32, within=Within(1))})["properties"]
    {'steps': {'title': 'steps', 'type': 'integer', 'default': 32, 'minimum': 1}}
    """
    own = {name: _property(one) for name, one in taken.items() if one.form != "regions"}
    return {"type": "object", "additionalProperties": False, "properties": own}


def _property(option: Option) -> dict[str, object]:
    said: dict[str, object] = {"title": option.name}
    if option.form == "filling":
        words = [str(one) for one in option.choices]
        return said | {"type": "string", "default": str(option.default), "examples": words,
                       "description": "one of the words, or a number"}  # fmt: skip
    said |= {"type": TYPES.get(type(option.default), "string"), "default": option.default}
    if option.choices:
        said["enum"] = list(option.choices)
    if option.within is not None:
        said["minimum"] = option.within.least
        if not math.isinf(option.within.most):
            said["maximum"] = option.within.most
    if option.several:
        said["description"] = "one number for every axis of the grid"
    return said
