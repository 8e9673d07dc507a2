"""`xai-heatmap explain`: from flags to a job, from its rows to a table or JSON."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from xai_heatmap.apps.cli.opening import network_of
from xai_heatmap.apps.cli.table import Table, error_alone
from xai_heatmap.apps.cli.terminal import Stopped, aside, each_aside, facts, print_json, print_lines
from xai_heatmap.apps.cli.text import (
    duration,
    exit_code,
    predictions,
    preparation,
    shown,
    times,
)
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.core.filling import plain_options
from xai_heatmap.explaining.answer import Answered
from xai_heatmap.explaining.comparison import Comparison
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.jobs.job import Explain
from xai_heatmap.jobs.settings import settled
from xai_heatmap.runners.answering import check_question, run_question, speaker
from xai_heatmap.runners.contact import ContactSheet
from xai_heatmap.runners.local import Row, check, run

Showing = Callable[[Row], None]


def explained(
    flags: Mapping[str, object], *, as_json: bool, quiet: bool, print_config: bool
) -> int:
    """Run the job that the flags, the environment and the file in the current folder describe."""
    wanted = () if print_config else ("images", "model")
    job = settled(Explain, flags, environment=os.environ, folder=Path.cwd(), given=wanted)
    if print_config:
        sys.stdout.write(job.to_toml())
        return 0
    check(job)
    if job.ask is None:
        network = network_of(job, silent=as_json or quiet)
        rows = run(job, network)
    else:
        rows = _asked(job, silent=as_json or quiet)
    many = len(job.images) > 1
    show = _nothing if as_json else error_alone if quiet else Table(job) if many else _show
    stopped, contact = "", ContactSheet(job)
    told, errors = list[dict[str, object]](), list[XaiHeatmapError | None]()
    with _progress(len(job.images), show, shown=not (as_json or quiet)) as advance:
        try:
            for row in each_aside(rows):
                errors.append(row.error)  # no row is kept: each holds its picture
                told += [row.event(job).document()] if as_json else []
                advance(row)
                contact.add(row)
        except KeyboardInterrupt:
            are = counted(len(job.images), "picture is", "pictures are")
            stopped = f"stopped. {len(errors)} of {are} done."
    contact.write()
    if contact.pages and not (as_json or quiet):
        print_lines(["", *facts([("sheet  ", str(page)) for page in contact.pages])])
    if as_json:
        print_json(told)
    if stopped:
        raise Stopped(stopped)
    return exit_code(errors)


def _asked(job: Explain, *, silent: bool) -> Iterator[Row]:
    """Rows of a question about each picture, by a model that is loaded for it."""
    check_question(job)
    start = time.perf_counter()
    with aside():
        asked = speaker(job)
    if not silent:
        spent = duration(time.perf_counter() - start)
        said = f"{job.model}, {type(asked.model).__name__}; loaded in {spent}"
        print_lines(facts([("model  ", said)]))
    return run_question(job, asked)


@contextmanager
def _progress(total: int, show: Showing, *, shown: bool) -> Iterator[Showing]:
    """Context with a callback for every row, which shows the row above a bar, if there is one."""
    if not shown or total < 2 or not sys.stderr.isatty():
        yield show
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    progress = Progress(
        TextColumn("explaining"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = progress.add_task("", total=total)

    def advance(row: Row) -> None:
        progress.stop()  # the bar is on stderr, the table on stdout: they take turns
        show(row)
        progress.advance(task)
        progress.start()

    with progress:
        yield advance


def _show(row: Row) -> None:
    error_alone(row)
    print_lines(_described(row))
    sys.stdout.flush()


def _nothing(row: Row) -> None:
    pass


def _described(row: Row) -> list[str]:
    comparison = row.comparison
    if comparison is None:
        return []
    first = comparison[0]
    lines = ["", *facts([("image  ", f"{row.image} ({shown(first)})")])]
    if row.answered is not None:
        lines += facts([("answer ", row.answered.text)])
    else:
        lines += facts([("input  ", preparation(first))])
    if len(comparison) == 1:
        lines += facts(
            [
                ("layer  ", f"{first.layer.name}  {times(first.layer.shape)}{_reason(first)}"),
                ("method ", f"{first.method}{_options(first)}"),
                ("target ", f"{first.target}, score {first.score:.4g}"),
            ]
        )
    lines += predictions(first) if row.answered is None else _words(row.answered)
    if len(comparison) > 1:
        lines += _maps(row, comparison)
        lines.append(f"sheet    {row.sheet}")
    else:
        lines += facts([("verdict", str(first.verdict) if first.verdict.word != "ok" else "")])
        lines += facts([("tested ", _tested(first))])
        lines.append(f"picture  {row.pictures[0]}")
    spent = ", ".join(f"{name} {duration(value)}" for name, value in row.seconds.items())
    notes = [n for n in first.notes if n not in (str(first.verdict), str(first.tested))]
    return lines + facts([*(("note   ", note) for note in notes), ("time   ", spent)])


def _words(answered: Answered) -> list[str]:
    """Tokens of an answer, each with its probability, and which were said without looking."""
    longest = max((len(one.text) for one in answered), default=0)
    return [
        f"  {number}  {one.text.ljust(longest)}  {one.probability:.3f}"
        f"{'  said without looking' if one.without_looking else ''}"
        for number, one in enumerate(answered, 1)
    ]


def _tested(one: Explanation) -> str:
    """The result of the test, in a sentence and figures; nothing where there was none."""
    found = one.tested
    if found is None or found.agreement is None:
        return "" if found is None else str(found)
    figures = [f"T {found.agreement:.2f} ± {found.spread:.2f}", f"p {found.p:.3f}"]
    figures += [f"edges {found.edges:.2f}", f"centre {found.centre:.2f}"]
    figures += [] if found.place is None else [f"own class {found.place} of {found.classes}"]
    return f"{found} ({', '.join(figures)}; {counted(found.passes, 'pass')})"


def _maps(row: Row, comparison: Comparison) -> list[str]:
    lines = []
    for one, picture in zip(comparison, row.pictures, strict=True):
        said = (one.layer.name, times(one.layer.shape), one.method, one.target, one.verdict.word)
        said += () if one.tested is None else (one.tested.short,)
        lines += [*facts([("map    ", "  ".join(said))]), f"         {picture}"]
    return lines


def _array(said: dict[str, object]) -> str:
    """An option that is an array, in a word."""
    shape = said.get("array")
    return "x".join(map(str, shape)) if isinstance(shape, list) else "another picture"


def _options(one: Explanation) -> str:
    plain = plain_options(one.options)
    told = {name: _array(own) if isinstance(own, dict) else own for name, own in plain.items()}
    said = ", ".join(f"{name}={value}" for name, value in told.items())
    return f"  {said}" if said else ""


def _reason(one: Explanation) -> str:
    return f"  auto: {one.layer_reason}" if one.layer_reason else ""
