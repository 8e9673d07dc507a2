"""One picture explained by many methods at many layers, on one sheet."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from xai_heatmap.core.errors import InputError, ModelFailed, NonFiniteScores, XaiHeatmapError
from xai_heatmap.core.layers.selection import select, several, spread
from xai_heatmap.core.network import Network, Survey
from xai_heatmap.core.targets.wording import parsed
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.grid import Line, lines
from xai_heatmap.explaining.inputs import taken
from xai_heatmap.jobs import request
from xai_heatmap.jobs.job import Compare
from xai_heatmap.runners import pages
from xai_heatmap.runners.failing import running
from xai_heatmap.runners.grid import Grid
from xai_heatmap.runners.local import surveyed
from xai_heatmap.sinks.folder import safe_stem
from xai_heatmap.sinks.identity import joined
from xai_heatmap.sinks.picture import save_picture
from xai_heatmap.sources.labels import labels as labels_in

METHODS = ("gradcam", "layercam", "gradcam_pp", "ablationcam")
"""Where nobody says which."""

Telling = Callable[[str], None]


@dataclass(frozen=True)
class Sheet:
    """What became of one picture.

    Parameters
    ----------
    image
        As it was named.
    first
        The picture with what the network says of it; None where there is an error.
    methods
        The columns.
    lines
        By target, the rows.
    error
        Why there are none.
    pages
        What was written.
    left_out
        How many layers more were asked for.
    seconds
        How long it took, by stage.
    """

    image: str
    first: Explanation | None = None
    methods: Sequence[str] = ()
    lines: Mapping[str, Sequence[Line]] = field(default_factory=dict)
    error: XaiHeatmapError | None = None
    pages: Sequence[Path] = ()
    left_out: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)


def sheets(job: Compare, network: Network, *, tell: Telling = lambda _: None) -> Iterator[Sheet]:
    """A sheet for one picture after the other; one that can't be read is a sheet with an error.

    Parameters
    ----------
    job, network
        As for `local.run`; where the job names no method, a choice of four.
    tell
        Is told what is being done.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture.
    """
    names = labels_in(job.labels) if job.labels else network.declared.labels or ()
    methods = tuple(dict.fromkeys(job.method or METHODS))
    survey = surveyed(network, job)
    layers, left_out = _rows(job.layer, survey, job.rows)
    for image, title in zip(job.images, request.titles(job.images), strict=True):
        start = time.perf_counter()
        try:
            given = request.looked_at(image, network, job)
            prepared = replace(
                taken(given, request.preparing(job), network, white=job.white), name=title
            )
            choices = [choice for word in job.target for choice in parsed(word, names)]
            ask = Grid(
                network,
                prepared,
                choices,
                options=request.options(job, job.method or METHODS),
                labels=names if job.labels else None,
                tell=tell,
            )
            with running(network.name):
                labels = [one.target.label for one in ask.opened(methods, layers)]
                rows_of = lines(ask, methods, layers, targets=len(choices))
            told = dict(zip(labels, rows_of, strict=True))
        except (InputError, NonFiniteScores, ModelFailed) as error:
            yield Sheet(image, error=error)
            continue
        explained = time.perf_counter()
        first = next(
            cell
            for cells in told.values()
            for line in cells
            for cell in line.cells
            if isinstance(cell, Explanation)
        )
        stem = safe_stem(f"{Path(title).stem}.compare")
        drawn = pages.drawn(first, methods, told, request.drawing_small(job), left_out=left_out)
        own = [first.identity, *_identities(told)]
        written = [
            save_picture(
                job.out / f"{stem}{f'.{number}' if number > 1 else ''}.png",
                page,
                identity=joined([*own, str(number)]),
            )
            for number, page in enumerate(drawn, 1)
        ]
        spent = {"explain": explained - start, "draw and write": time.perf_counter() - explained}
        yield Sheet(image, first, methods, told, pages=written, left_out=left_out, seconds=spent)


def _identities(told: Mapping[str, Sequence[Line]]) -> Iterator[str]:
    """What stands in every cell, so that a page is replaced by the same page alone."""
    for line in (line for rows in told.values() for line in rows):
        yield line.layer
        for cell in line.cells:
            yield cell.identity if isinstance(cell, Explanation) else str(cell.error)


def _rows(words: Sequence[str], survey: Survey, most: int) -> tuple[list[str], int]:
    """The layers meant, and how many were left out because they are too many for a page."""
    if tuple(words) == ("auto",):
        return ["auto"], 0
    names = select(survey, list(words))
    named = {
        name
        for word in words
        if word in survey.layers or not several(word)
        for name in select(survey, [word])
    }
    others = [name for name in names if name not in named]
    kept = [*named, *spread(others, most=max(most - len(named), 1), kept=survey.auto)]
    chosen = [name for name in names if name in kept]
    return chosen, len(names) - len(chosen)
