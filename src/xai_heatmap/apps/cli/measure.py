"""`xai-heatmap measure`: what maps are worth by metrics, beside maps that know nothing."""

import os
from collections.abc import Mapping
from pathlib import Path

from xai_heatmap.apps.cli.opening import network_of
from xai_heatmap.apps.cli.terminal import (
    each_aside,
    facts,
    log,
    print_json,
    print_lines,
    table,
)
from xai_heatmap.apps.cli.text import duration, exit_code
from xai_heatmap.jobs.job import Measure
from xai_heatmap.jobs.settings import settled
from xai_heatmap.runners import measuring
from xai_heatmap.runners.local import check
from xai_heatmap.runners.measuring import Figures, figures

HEAD = ("metric", "method", "layer", "target", "value", "constant", "random", "better", "passes")


def measured(flags: Mapping[str, object], *, as_json: bool) -> int:
    """Run the job that the flags, the environment and the file in the current folder describe."""
    job = settled(
        Measure, flags, environment=os.environ, folder=Path.cwd(), given=("images", "model")
    )
    check(job)
    measuring.check(job)
    network = network_of(job, silent=as_json)
    made = []
    for one in each_aside(figures(job, network)):
        made.append(one)
        if not as_json:
            _show(one)
    if as_json:
        print_json([one.event(job).document() for one in made])
    return exit_code([one.error for one in made])


def _show(one: Figures) -> None:
    if one.error is not None:
        said = str(one.error)
        log(f"error {one.error.code}: {said if one.image in said else f'{one.image}: {said}'}")
        return
    rows = [
        (
            each.metric,
            each.method,
            each.layer,
            each.target,
            *(f"{figure:.4g}" for figure in (each.value, each.constant, each.random)),
            each.better,
            str(each.passes),
        )
        for each in one.measured
    ]
    worse = [each for each in one.measured if not each.better_than_nothing]
    notes = [
        f"{each.metric} of {each.method} at {each.layer} is no better than of a map that knows "
        "nothing"
        for each in worse
    ]
    spent = ", ".join(f"{name} {duration(value)}" for name, value in one.seconds.items())
    print_lines(["", *facts([("image  ", one.image)]), *table(HEAD, rows)])
    print_lines(facts([*(("note   ", note) for note in notes), ("time   ", spent)]))
