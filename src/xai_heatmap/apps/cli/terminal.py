"""Words on the terminal: plain and unwrapped in a pipe, fitted and coloured on a screen."""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, redirect_stdout
from itertools import zip_longest
from typing import TypeVar

from xai_heatmap.core.plain import facts_of

T = TypeVar("T")

NARROWEST = 60

NARROWEST_COLUMN = 12

EIGHTHS = " ▏▎▍▌▋▊▉"

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
"""Characters that steer a terminal or the direction of writing; line feeds and tabs are none."""


class Stopped(Exception):
    """Ctrl-C, with one line on what is done and how it goes on."""


def safe(text: str) -> str:
    """Text as a terminal may have it: control characters are spelt out, a backslash before each.

    Names of labels, layers and files come from anywhere, and would otherwise set colours, titles
    and more.
    """
    return UNSAFE.sub(_spelt, text)


def _spelt(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def on_screen() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def columns() -> int:
    """Letters in a line of the terminal."""
    return max(shutil.get_terminal_size().columns, NARROWEST)


def print_json(document: Mapping[str, object] | Sequence[object]) -> None:
    """One JSON document on stdout, and nothing else; what is not finite is null."""
    said = facts_of(document)
    text = json.dumps(said, ensure_ascii=False, indent=1, allow_nan=False)
    sys.stdout.write(UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def print_lines(lines: Iterable[str], *, style: str = "") -> None:
    """Lines on stdout, control characters spelt out; the style is for a screen alone."""
    lines = [safe(line).replace("\n", "\\n") for line in lines]
    if style and on_screen():
        from rich.console import Console

        console = Console(highlight=False, soft_wrap=True, markup=False)
        for line in lines:
            console.print(line, style=style)
        return
    for line in lines:
        sys.stdout.write(line + "\n")


def aside() -> AbstractContextManager[object]:
    """A block in which what a framework or a user's model prints goes to stderr."""
    return redirect_stdout(sys.stderr)


def each_aside(made: Iterator[T]) -> Iterator[T]:
    """Results one after the other, each made with what is printed meanwhile on stderr."""
    while True:
        with aside():
            one = next(made, None)
        if one is None:
            return
        yield one


def log(line: str) -> None:
    """One message on stderr, control characters spelt out."""
    sys.stderr.write(safe(line) + "\n")


def facts(pairs: Iterable[tuple[str, str]], *, indent: str = "") -> list[str]:
    """``name  value``, the values below each other; on a screen they are broken between words."""
    pairs = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in pairs), default=0) + 2
    return [
        line for name, value in pairs for line in _broken(f"{indent}{name.ljust(width)}", value)
    ]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, two blanks between them; cells are never cut."""
    widths = [max(map(len, cells)) for cells in zip(header, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]


def fitted(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Rows as of `table`, each in lines: on a screen the widest columns are broken between words.

    The first column is never broken.
    """
    widths = [max(map(len, cells)) for cells in zip(header, *rows, strict=True)]
    room = columns() - 2 * (len(widths) - 1)
    while on_screen() and sum(widths) > room and max(widths[1:]) > NARROWEST_COLUMN:
        widest = widths.index(max(widths[1:]), 1)
        widths[widest] -= 1
    told = []
    for row in (header, *rows):
        cells = [_lines(cell, width) for cell, width in zip(row, widths, strict=True)]
        told.append(
            [
                "  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True))
                for parts in zip_longest(*cells, fillvalue="")
            ]
        )
    return [[line.rstrip() for line in lines] for lines in told]


def bar(share: float, *, width: int) -> str:
    """A share of 1 as a bar of at most `width` letters, to an eighth of a letter."""
    eighths = round(max(0.0, min(share, 1.0)) * width * 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + EIGHTHS[rest].strip()


def elided(text: str, *, width: int) -> str:
    """Text in at most `width` letters; what is too long ends in an ellipsis."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def _broken(start: str, value: str) -> list[str]:
    room = columns() - len(start)
    if not on_screen() or len(value) <= room:
        return [start + value]
    first, *rest = _lines(value, room)
    return [start + first, *(" " * len(start) + line for line in rest)]


def _lines(text: str, width: int) -> list[str]:
    """Text broken between words; a word that is too long stays whole."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines
