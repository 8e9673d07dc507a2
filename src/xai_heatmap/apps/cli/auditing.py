"""`xai-heatmap audit`: the run, and what it prints."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from xai_heatmap.apps.cli.batching import shown, silence
from xai_heatmap.apps.cli.opening import network_of
from xai_heatmap.apps.cli.terminal import (
    Stopped,
    aside,
    columns,
    facts,
    log,
    on_screen,
    print_json,
    print_lines,
    safe,
    table,
)
from xai_heatmap.core.errors import UsageError
from xai_heatmap.jobs.audit_job import Audit as Job
from xai_heatmap.jobs.settings import settled
from xai_heatmap.runners.audit.require import requirement
from xai_heatmap.runners.audit.run import Audit, run_job
from xai_heatmap.runners.audit.tables import Table, holding
from xai_heatmap.runners.local import check

SOME_FAILED, NOT_MET = 1, 5

GOOD, FAIR = 0.9, 0.5
"""Shares from which on a cell of the terminal's table is green, or yellow."""


def audited(flags: Mapping[str, object], *, as_json: bool, quiet: bool, print_config: bool) -> int:
    """Run the job that the flags, the environment and the file in the current folder describe."""
    job = _job(flags)
    if print_config:
        sys.stdout.write(job.to_toml())
        return 0
    wanted = [requirement(text) for text in job.require]
    check(job)
    network = network_of(job, silent=as_json or quiet)
    telling = silence() if quiet else shown("auditing")
    try:
        with telling as listen, aside():
            found = run_job(job, network, listen=listen)
    except KeyboardInterrupt:
        raise Stopped("stopped. Run the same command again to go on.") from None
    missed = found.missed(*wanted)
    if as_json:
        said = [{"requirement": str(one), "met": one not in missed} for one in wanted]
        print_json({**found.document, "page": str(found.page), "required": said})
    elif not quiet:
        _summed(found)
    for one in missed:
        value = found.figures[one.name]
        log(f"not met: {one}; it is {'not measured' if value is None else f'{value:.4g}'}")
    if missed:
        return NOT_MET
    return SOME_FAILED if found.document["pictures"]["failed"] else 0


def _job(flags: Mapping[str, object]) -> Job:
    """The job; of several words the first is the model, unless a flag names one."""
    said = dict(flags)
    words = [str(one) for one in said.get("source") or []]  # type: ignore[attr-defined]
    if "model" not in said and len(words) > 1:
        said["model"], said["source"] = words[0], words[1:]
    job = settled(Job, said, environment=os.environ, folder=Path.cwd())
    if not job.source or not job.model:
        raise UsageError(
            "A model and pictures are needed. Write: xai-heatmap audit MODEL FOLDER, such as "
            "xai-heatmap audit model.onnx photographs/ --preprocess imagenet"
        )
    return job


def _summed(found: Audit) -> None:
    """The findings, the shares and the recommendation, with where the rest lies."""
    document = found.document
    own = document["recommended"]
    print_lines([""])
    _shares(holding(document))
    print_lines([""])
    print_lines(
        facts(
            [
                *(("found  ", one) for one in found.findings or ["nothing"]),
                *(("note   ", one) for one in document["notes"]),
                ("take   ", own["name"] or "no map"),
                *(("       ", one) for one in own["because"]),
                ("page   ", str(found.page)),
            ]
        )
    )


def _shares(shares: Table) -> None:
    """Methods by layers: on a screen as a table in colour, in a pipe in plain columns."""
    names = list(shares.head)
    rows = [
        [f"{one.text}{f' ({one.small})' if one.small else ''}" for one in row]
        for row in shares.rows
    ]
    if not on_screen():
        print_lines(table(names, rows))
        return
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    told = RichTable(title="Share of pictures in which a map predicts what moves the score")
    for number, name in enumerate(names):
        told.add_column(safe(name), justify="left" if number == 0 else "right", overflow="fold")
    for row in shares.rows:
        told.add_row(
            *(
                Text(safe(f"{one.text}\n{one.small}" if one.small else one.text), _style(one.share))
                for one in row
            )
        )
    Console(width=columns(), highlight=False).print(told)


def _style(share: float | None) -> str:
    if share is None:
        return ""
    return "green" if share >= GOOD else "yellow" if share >= FAIR else "red"
