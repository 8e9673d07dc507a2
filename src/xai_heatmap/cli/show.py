"""Words on the terminal: plain and unwrapped in a pipe, fitted and coloured on a screen."""

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, redirect_stdout

NARROWEST = 60
EIGHTHS = " ▏▎▍▌▋▊▉"


def on_screen() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def columns() -> int:
    """Letters in a line of the terminal."""
    return max(shutil.get_terminal_size().columns, NARROWEST)


def print_json(document: Mapping[str, object] | Sequence[object]) -> None:
    """One JSON document on stdout, and nothing else."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def print_lines(lines: Iterable[str], *, style: str = "") -> None:
    """Lines on stdout as they are; the style is for a screen alone."""
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


def log(line: str) -> None:
    """One line on stderr."""
    sys.stderr.write(line + "\n")


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
    lines, line = [], ""
    for word in value.split(" "):
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    return [start + lines[0], *(" " * len(start) + rest for rest in lines[1:])]
