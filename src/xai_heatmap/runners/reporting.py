"""Pictures, or a finished run, as a page that is looked at from disk."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from xai_heatmap.core.errors import (
    BadOption,
    InputError,
    ModelFailed,
    NonFiniteScores,
    OutputError,
    UnknownTarget,
    XaiHeatmapError,
)
from xai_heatmap.core.network import Network
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.grid import Cell, GridRow, Refusal
from xai_heatmap.explaining.reporting import ENDINGS, save_report
from xai_heatmap.jobs.report_job import Report
from xai_heatmap.runners.batch.folder import RUN
from xai_heatmap.runners.batch.stored import StoredRun
from xai_heatmap.runners.local import surveyed
from xai_heatmap.runners.sheets import Telling, chosen_layers, rows_told
from xai_heatmap.sinks.refused import check_folder
from xai_heatmap.sources.files import check_apart
from xai_heatmap.sources.frames import Frame, pictures

METHODS = ("gradcam", "layercam")
"""Methods of a report where nobody says which."""


@dataclass
class Reported:
    """Result of a report.

    Parameters
    ----------
    pages
        What was written.
    shown
        How many pictures stand there.
    errors
        Why others do not, by their names.
    left_out
        How many layers more were asked for.
    waiting
        Pictures of a run that are not done yet.
    """

    pages: Sequence[Path] = ()
    shown: int = 0
    errors: dict[str, XaiHeatmapError] = field(default_factory=dict[str, XaiHeatmapError])
    left_out: int = 0
    waiting: int = 0


def run_of(job: Report) -> Path | None:
    """The folder of a run, where the job names one; None of pictures.

    Raises
    ------
    BadOption
        For a run among other things.
    """
    runs = [path for path in map(Path, job.images) if (path / RUN).is_file()]
    if runs and len(job.images) > 1:
        raise BadOption(
            f"A report shows pictures, or one run: {str(runs[0])!r} is a run. Name it alone."
        )
    return runs[0] if runs else None


def check_page(job: Report) -> None:
    """Refuse whatever is no page.

    Raises
    ------
    BadOption
        If `out` does not end as pages do.
    OutputError
        If none can be written there.
    """
    if job.out.suffix.lower() not in ENDINGS:
        raise BadOption(f"A report is a page: --out NAME.html; received {str(job.out)!r}.")
    if job.out.is_dir():
        raise OutputError(f"{str(job.out)!r} is a folder. Choose another --out NAME.html.")
    check_apart(job.out, (job.labels, job.weights, job.regions, *job.images), "Something is")
    check_folder(job.out.parent)


def report(job: Report, network: Network, *, tell: Telling = lambda _: None) -> Reported:
    """Explain the pictures and write them as a page; one that can't be read is left out, with why.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture; of the first picture, where none is left.
    """
    job = job.model_copy(update={"method": tuple(dict.fromkeys(job.method or METHODS))})
    layers, left_out = chosen_layers(job.layer, surveyed(network, job), job.rows)
    made = Reported(left_out=left_out)
    fewer = [] if "target" in job.model_fields_set else ["top1", "top2"]

    def rows(frame: Frame) -> Mapping[str, Sequence[GridRow]]:
        nonlocal job
        while True:
            try:
                return rows_told(job, frame, network, layers, lambda _: None)
            except UnknownTarget:  # fewer classes than are shown where nobody says which
                if not fewer:
                    raise
                job = job.model_copy(update={"target": (fewer.pop(),)})

    def cells() -> Iterator[Cell]:
        for frame in pictures(job.images):
            tell(frame.path)
            try:
                told = rows(frame)
            except (InputError, NonFiniteScores, ModelFailed) as error:
                made.errors[frame.path] = error
                continue
            made.shown += 1
            found = [cell for own in told.values() for row in own for cell in _each(row)]
            yield from (cell for cell in found if isinstance(cell, Explanation))
            yield from (cell for cell in found if isinstance(cell, Refusal))

    found = list(cells())
    if not found and made.errors:
        raise next(iter(made.errors.values()))
    made.pages = save_report(job.out, found, title=job.title)
    return made


def _each(row: GridRow) -> Iterator[Cell]:
    """Cells of a row, and of the layers that would look the same."""
    yield from row.cells
    for name in row.same:
        for cell in row.cells:
            if isinstance(cell, Explanation):
                yield replace(cell, layer=replace(cell.layer, name=name))


def report_run(job: Report, run: StoredRun) -> Reported:
    """Write a finished run as a page: its least sure rows, with their pictures."""
    made = Reported()

    def cells() -> Iterator[Cell]:
        for row in run.least_sure(job.worst):
            try:
                found = run.explanation(row)
            except (InputError, BadOption) as error:
                made.errors[str(row["id"])] = error
                continue
            made.shown += 1
            yield found

    found = list(cells())
    if not found and made.errors:
        raise next(iter(made.errors.values()))
    if not found:
        raise BadOption(
            f"No row of {str(run.folder.path)!r} has a map. `xai-heatmap batch status RUN` "
            "says why."
        )
    made.waiting = run.status.waiting
    made.pages = save_report(job.out, found, title=job.title, intro=run.said_of(made.shown))
    return made
