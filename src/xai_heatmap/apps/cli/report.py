"""`xai-heatmap report`: pictures or a run as one page that is looked at from disk."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from xai_heatmap.apps.cli.flags import Debug, Json

EPILOG = """\b
Examples:
  xai-heatmap report dog.jpg cat.jpg -m torchvision:resnet50
  xai-heatmap report *.jpg -m model.onnx --methods gradcam,hirescam -o seen.html
  xai-heatmap report dog.jpg -m model.keras --target beagle --target basset
  xai-heatmap report runs/monday --worst 100 -o monday.html

\b
The page is one file. Opened from disk it shows each picture with its maps: layers are
scrubbed, methods and classes switched, values read below the cursor, colours changed;
it prints, and it asks nobody for anything. Beyond 30 MB it goes on in a second file.
Of a run the pictures are read again where the run found them.

\b
MODEL is as for explain: a file, net.py:make, or a hub's name; a run needs none.
"""


def report(flags: Mapping[str, object], *, as_json: Json = False, debug: Debug = False) -> int:
    """Write a page with every picture and its maps, to be looked at without anything else."""
    from xai_heatmap.apps.cli.opening import network_of
    from xai_heatmap.apps.cli.terminal import aside, facts, log, print_json, print_lines
    from xai_heatmap.apps.cli.text import duration
    from xai_heatmap.core.counted import counted
    from xai_heatmap.jobs.report_job import Report
    from xai_heatmap.jobs.settings import settled
    from xai_heatmap.runners.batch.folder import read_run
    from xai_heatmap.runners.batch.status import unfinished
    from xai_heatmap.runners.batch.stored import StoredRun
    from xai_heatmap.runners.local import check
    from xai_heatmap.runners.reporting import check_page, report_run, run_of
    from xai_heatmap.runners.reporting import report as reported

    where = {"environment": os.environ, "folder": Path.cwd()}
    job = settled(Report, flags, given=("images",), **where)
    check_page(job)
    start = time.perf_counter()
    folder = run_of(job)
    if folder is not None:
        _check_flags(flags)
        made = report_run(job, StoredRun(read_run(folder)))
    else:
        settled(Report, flags, given=("images", "model"), **where)
        check(job, writes=False)
        network = network_of(job, silent=as_json)
        with aside():
            made = reported(job, network, tell=lambda path: log(f"{path} ..."))
    for name, error in made.errors.items():
        said = str(error)
        log(f"error {error.code}: {said if name in said else f'{name}: {said}'}")
    pages = [str(page) for page in made.pages]
    if as_json:
        refused = [
            {"image": name, "code": error.code, "message": str(error)}
            for name, error in made.errors.items()
        ]
        print_json({"pages": pages, "pictures": made.shown, "errors": refused})
    else:
        left = f", {len(made.errors)} can't be shown" if made.errors else ""
        said = [("report ", page) for page in pages]
        said += [("shown  ", f"{counted(made.shown, 'picture')}{left}")]
        if made.left_out:
            more = job.rows + made.left_out
            said += [("note   ", f"{counted(made.left_out, 'more layer')}: --rows {more}")]
        said += [("note   ", unfinished(made.waiting))]
        print_lines(facts([*said, ("time   ", duration(time.perf_counter() - start))]))
    return 1 if made.errors else 0


def _check_flags(flags: Mapping[str, object]) -> None:
    """Refuse flags that a run was made without: its maps are there already."""
    from xai_heatmap.core.errors import BadOption
    from xai_heatmap.jobs.flag import flags_of
    from xai_heatmap.jobs.report_job import OF_RUN, Report

    given = {name for name, value in flags.items() if value not in (None, [], ())} - OF_RUN
    names = [
        next(word for word in one.flag.typed(one.field, one.kind) if word.startswith("--"))
        for one in flags_of(Report, Report.hidden)
        if one.field in given
    ]
    if names:
        raise BadOption(
            f"A run is shown as it was made, so {', '.join(names)} would change nothing. Leave "
            "that out, or make another run with it."
        )
