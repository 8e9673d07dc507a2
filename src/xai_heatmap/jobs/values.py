"""Values of a job's fields, as a command line, a variable or a file of settings writes them."""

import os
from typing import Annotated

from pydantic import BeforeValidator


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
"""Slices of a volume: one number is how many, several are which."""

Size = Annotated[tuple[int, int], BeforeValidator(_rows_columns)]
"""Rows and columns."""


def parts(words: list[str]) -> list[str]:
    """Words between commas; a comma within brackets belongs to a glob."""
    found: list[str] = []
    for word in words:
        pieces, depth = [""], 0
        for letter in word:
            depth += (letter == "[") - (letter == "]")
            if letter == "," and depth == 0:
                pieces.append("")
            else:
                pieces[-1] += letter
        found += [piece.strip() for piece in pieces if piece.strip()]
    return found
