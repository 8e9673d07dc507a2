"""`xai-heatmap findings` at work: progress while it goes, a summary when it is done."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from xai_heatmap.apps.cli.terminal import aside, log, print_json, print_lines, table
from xai_heatmap.core.counted import counted
from xai_heatmap.runners.findings.finding import Finding
from xai_heatmap.runners.findings.findings import Findings
from xai_heatmap.runners.findings.findings import findings as looked
from xai_heatmap.runners.findings.keeping import FOLDER
from xai_heatmap.runners.findings.page import summary
from xai_heatmap.sinks.refused import check_folder

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""

SHOWN = 12
"""Findings that are told."""

Tell = Callable[[int, int, str], object]


def found(
    run: Path, *, model: str | None, regions: Path | None, classes: Sequence[str], most: int,
    out: Path | None, quiet: bool, as_json: bool,
) -> int:  # fmt: skip
    """Find, write and tell; answers the exit code."""
    place = out or run / FOLDER
    if run.is_dir():
        check_folder(place)
    with _nobody() if quiet or as_json else _told() as listen, aside():
        made = looked(
            run, model, regions=regions, classes=classes, most=most, listen=listen
        )  # fmt: skip
        written = made.save(place)
    if as_json:
        print_json(made.facts(pictures=False))
    elif not quiet:
        _summed(made)
        print_lines(["", *(f"wrote {path}" for path in written)])
    return 1 if made.shortcuts else 0


def _summed(made: Findings) -> None:
    first = made.findings[:SHOWN]
    if first:
        head = ("", "class", "in", "where", "hangs", "score falls", "p", "put elsewhere", "")
        print_lines(table(head, [_row(place, one) for place, one in enumerate(first, 1)]))
    more = len(made.findings) - len(first)
    print_lines([*([f"and {more} more"] if more else []), *([""] if first else []), *summary(made)])


def _row(place: int, one: Finding) -> tuple[str, ...]:
    put = "" if one.shortcut is None else f"{one.bridged:.0%} of the way, {one.turned:.0%} turn"
    return (
        str(place), one.name, f"{one.group.share:.0%}", one.group.where, f"{one.hangs:.0%}",
        f"{one.fall.mean:.3g} ({one.fall.low:.3g} to {one.fall.high:.3g})", f"{one.chance:.1g}",
        put, "SHORTCUT" if one.shortcut else "",
    )  # fmt: skip


@contextmanager
def _nobody() -> Iterator[Tell]:
    yield lambda *_: None


@contextmanager
def _told() -> Iterator[Tell]:
    """Context with a callback that moves a bar, or writes a line every ten seconds."""
    if not sys.stderr.isatty():
        then = [time.monotonic() + EVERY]

        def line(done: int, total: int, name: str) -> None:
            if time.monotonic() >= then[0]:
                then[0] = time.monotonic() + EVERY
                log(f"{done} of {counted(total, 'picture')}  {name}")

        yield line
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    progress = Progress(
        TextColumn("looking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.description}"), console=Console(stderr=True), transient=True,
        redirect_stdout=False, redirect_stderr=False,
    )  # fmt: skip
    task = progress.add_task("", total=None)

    def bar(done: int, total: int, name: str) -> None:
        progress.update(task, total=total, completed=done, description=escape(name))

    with progress:
        yield bar
