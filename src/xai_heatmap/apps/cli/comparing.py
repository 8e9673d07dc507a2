"""From the flags of `compare` to its sheets, and what is said of them."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from xai_heatmap.apps.cli.opening import network_of
from xai_heatmap.apps.cli.terminal import each_aside, facts, log, print_json, print_lines
from xai_heatmap.apps.cli.text import (
    duration,
    exit_code,
    predictions,
    preparation,
    shown,
)
from xai_heatmap.core.counted import counted
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.grid import Cell, GridRow, Refusal
from xai_heatmap.jobs.job import Compare
from xai_heatmap.jobs.settings import settled
from xai_heatmap.runners.local import check
from xai_heatmap.runners.sheets import METHODS, Sheet, Telling, sheets


def compared(flags: Mapping[str, object], *, as_json: bool) -> int:
    """Run the job that the flags, the environment and the file in the current folder describe."""
    job = settled(
        Compare, flags, environment=os.environ, folder=Path.cwd(), given=("images", "model")
    )
    job = job.model_copy(update={"method": tuple(dict.fromkeys(job.method or METHODS))})
    check(job)
    network = network_of(job, silent=as_json)
    made = []
    for sheet in each_aside(sheets(job, network, tell=_telling())):
        _wipe()
        made.append(sheet)
        if not as_json:
            _show(sheet, job)
    if as_json:
        print_json([sheet.event(job).document() for sheet in made])
    return exit_code([sheet.error for sheet in made])


def _telling() -> Telling:
    """Names the method at work, on one line of a terminal that the next one takes."""
    if not sys.stderr.isatty():
        return lambda _: None

    def tell(method: str) -> None:
        _wipe()
        sys.stderr.write(f"{method} ...")
        sys.stderr.flush()

    return tell


def _wipe() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


def _show(sheet: Sheet, job: Compare) -> None:
    first = sheet.first
    if sheet.error is not None or first is None:
        said = str(sheet.error)
        code = sheet.error.code if sheet.error else ""
        log(f"error {code}: {said if sheet.image in said else f'{sheet.image}: {said}'}")
        return
    lines = ["", *facts([("image  ", f"{sheet.image} ({shown(first)})")])]
    lines += facts([("input  ", preparation(first))])
    lines += facts(
        [("target ", f"{one}, score {_score(told):.4g}") for one, told in sheet.lines.items()]
    )
    lines += predictions(first)
    lines += facts([("maps   ", _counted(sheet)), *_remarks(sheet)])
    if sheet.left_out:
        rows = len(_layers(sheet)) + sheet.left_out
        lines += facts(
            [
                (
                    "note   ",
                    f"{counted(sheet.left_out, 'more layer')} left out: --rows {rows}",
                )
            ]
        )
    lines += [f"sheet    {page}" for page in sheet.pages]
    spent = ", ".join(f"{name} {duration(value)}" for name, value in sheet.seconds.items())
    print_lines([*lines, *facts([("time   ", spent)])])
    sys.stdout.flush()


def _score(lines: Sequence[GridRow]) -> float:
    return next(
        cell.score for line in lines for cell in line.cells if isinstance(cell, Explanation)
    )


def _layers(sheet: Sheet) -> list[str]:
    lines = next(iter(sheet.lines.values()))
    return [name for line in lines for name in (line.layer, *line.same)]


def _counted(sheet: Sheet) -> str:
    layers, methods = len(_layers(sheet)), len(sheet.methods)
    words = [cell.verdict.word for cell in _cells(sheet) if isinstance(cell, Explanation)]
    return f"{counted(layers, 'layer')} x {counted(methods, 'method')}, {words.count('ok')} ok"


def _cells(sheet: Sheet) -> Iterator[Cell]:
    return (cell for lines in sheet.lines.values() for line in lines for cell in line.cells)


def _remarks(sheet: Sheet) -> list[tuple[str, str]]:
    """Refusals and bad verdicts of a sheet, each reason once with the layers that it holds for."""
    where: dict[tuple[str, str, str], list[str]] = {}
    for lines in sheet.lines.values():
        for line in lines:
            for cell in line.cells:
                if isinstance(cell, Refusal):
                    said = "refused", cell.method, str(cell.error)
                elif cell.verdict.word != "ok":
                    said = "verdict", cell.method, str(cell.verdict)
                else:
                    continue
                where.setdefault(said, []).append(line.layer)
    return [
        (kind, f"{method} at {_named(layers)}: {why}")
        for (kind, method, why), layers in where.items()
    ]


def _named(layers: Sequence[str]) -> str:
    several = list(dict.fromkeys(layers))
    return several[0] if len(several) == 1 else f"{several[0]} and {len(several) - 1} more"
