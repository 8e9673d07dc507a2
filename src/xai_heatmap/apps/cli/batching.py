"""`xai-heatmap batch`: a run over many pictures, how far it is, and its errors tried again."""

import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from xai_heatmap.apps.cli.opening import network_of
from xai_heatmap.apps.cli.terminal import Stopped, aside, facts, log, print_lines
from xai_heatmap.apps.cli.text import duration
from xai_heatmap.core.counted import counted, noun
from xai_heatmap.core.errors import BadOption, UsageError
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.jobs.events import BatchProgress
from xai_heatmap.jobs.settings import settled
from xai_heatmap.runners.batch.run import retried, run_job
from xai_heatmap.runners.batch.stored import StoredRun, open_run
from xai_heatmap.runners.local import check

SOME_FAILED = 1

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""

SHOWN = 5
"""Errors that are told in full."""

Listen = Callable[[BatchProgress], object]


def batched(flags: Mapping[str, object], *, as_json: bool, quiet: bool, print_config: bool) -> int:
    """Run the job that the flags, the environment and the file in the current folder describe, or
    look at a run: ``status RUN``, ``retry RUN``.
    """
    job = settled(Batch, flags, environment=os.environ, folder=Path.cwd())
    if print_config:
        sys.stdout.write(job.to_toml())
        return 0
    if job.source[:1] in (("status",), ("retry",)):
        return _looked(job.source, as_json=as_json, quiet=quiet)
    settled(Batch, flags, environment=os.environ, folder=Path.cwd(), given=("model",))
    if not job.source:
        raise UsageError(
            "Pictures are needed, and none were given. Write: "
            "xai-heatmap batch FOLDER --model MODEL --out RUN"
        )
    check(job)
    network = network_of(job, silent=as_json or quiet)
    return followed(
        lambda listen: run_job(job, network, listen=listen), str(job.out),
        as_json=as_json, quiet=quiet,
    )  # fmt: skip


def _looked(words: Sequence[str], *, as_json: bool, quiet: bool) -> int:
    what, *runs = words
    if len(runs) != 1:
        raise BadOption(
            f"Write: xai-heatmap batch {what} RUN. A folder of pictures that is called {what} is "
            f"written ./{what}."
        )
    if what == "retry":
        return followed(
            lambda listen: retried(runs[0], listen=listen), runs[0], as_json=as_json, quiet=quiet
        )
    found = open_run(runs[0])
    if as_json:
        _json_line(found, runs[0])
    else:
        _summed(found)
    return SOME_FAILED if found.status.errors else 0


def followed(work: Callable[[Listen], StoredRun], run: str, *, as_json: bool, quiet: bool) -> int:
    """Work on a run while it is told how far it is; answers the exit code."""
    telling = _json_lines() if as_json else silence() if quiet else shown()
    try:
        with telling as listen, aside():
            found = work(listen)
    except KeyboardInterrupt:
        raise Stopped("stopped. Run the same command again to go on.") from None
    if as_json:
        _json_line(found, run)
    elif not quiet:
        _summed(found)
    return SOME_FAILED if found.status.errors else 0


def _json_line(run: StoredRun, name: str) -> None:
    told = vars(run.status) | {"complete": run.status.complete}
    sys.stdout.write(json.dumps({"kind": "batch_status", "run": name, **told}) + "\n")


def _summed(run: StoredRun) -> None:
    told = run.status
    codes = ", ".join(f"{count} {code}" for code, count in sorted(told.codes.items()))
    print_lines(
        facts(
            [
                ("run    ", str(run.folder.path)),
                ("rows   ", f"{told.rows} of {told.pictures}"),
                ("shards ", f"{told.finished} of {told.shards}"),
                ("errors ", f"{told.errors} ({codes})" if told.errors else "0"),
                ("read   ", f"DuckDB: from '{run.folder.path}/rows/*.parquet'"),
            ]
        )
    )
    for row in islice(run.errors() if told.errors else (), SHOWN):
        log(f"error {row['error_code']}: {row['id']}: {row['error']}")
    if told.errors > SHOWN:
        log(f"and {told.errors - SHOWN} more: xai_heatmap.open_run(run).errors()")
    if told.errors:
        log(f"Once they are mended: xai-heatmap batch retry {shlex.quote(str(run.folder.path))}")


@contextmanager
def silence() -> Iterator[Listen]:
    """Context with a callback that says nothing."""
    yield lambda _: None


@contextmanager
def _json_lines() -> Iterator[Listen]:
    """Context with a callback that prints every event as one line of JSON."""
    out = sys.stdout  # what a model prints meanwhile goes to stderr

    def listen(event: BatchProgress) -> None:
        out.write(event.model_dump_json() + "\n")
        out.flush()

    yield listen


@contextmanager
def shown(doing: str = "explaining") -> Iterator[Listen]:
    """Context with a callback that moves a bar, or writes a line every ten seconds."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
    )

    progress = Progress(
        TextColumn(doing),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = progress.add_task("", total=None)

    def listen(event: BatchProgress) -> None:
        said = _rate(event)
        progress.update(task, total=event.total, completed=event.done, description=said)

    with progress:
        yield listen


class _Lines:
    """Writes a line now and then."""

    def __init__(self) -> None:
        self._next = time.monotonic() + EVERY

    def __call__(self, event: BatchProgress) -> None:
        """Write a line, if it is time."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        log(f"{event.done} of {counted(event.total, event.of)}  {_rate(event)}")


def _rate(event: BatchProgress) -> str:
    """Rate, time left and what could not be explained, in one line."""
    rate = f"{event.rate:.4g} {noun(2, event.of)}/s" if event.rate else ""
    left = f"{_clock(event.left)} left" if event.left is not None else ""
    bad = f"{event.errors} unreadable" if event.errors else ""
    return "  ".join(filter(None, [rate, left, bad]))


def _clock(seconds: float) -> str:
    """``1:02:03``; of less than a minute the seconds alone."""
    whole = round(seconds)
    if whole < 60:
        return duration(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
