"""One picture explained by many methods at many layers, on one sheet."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from xai_heatmap.core.errors import InputError, ModelFailed, NonFiniteScores, XaiHeatmapError
from xai_heatmap.core.layers.selection import select, several, spread
from xai_heatmap.core.network import Network, Survey
from xai_heatmap.core.plain import plain
from xai_heatmap.core.targets.wording import parsed
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.grid import Cell, GridRow, Refusal, grid_rows
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.jobs import events, request
from xai_heatmap.jobs.events import Facts, SheetResult
from xai_heatmap.jobs.job import Compare
from xai_heatmap.jobs.picture_job import PictureJob
from xai_heatmap.runners import pages
from xai_heatmap.runners.failing import running
from xai_heatmap.runners.grid import Grid
from xai_heatmap.runners.local import surveyed
from xai_heatmap.sinks.folder import safe_stem
from xai_heatmap.sinks.identity import joined
from xai_heatmap.sinks.picture import save_picture
from xai_heatmap.sources.frames import Frame, pictures
from xai_heatmap.sources.labels import labels as labels_in

METHODS = ("gradcam", "layercam", "gradcam_pp", "ablationcam")
"""Methods of a sheet where nobody says which."""

Telling = Callable[[str], None]


@dataclass(frozen=True)
class Sheet:
    """Result of one image of a job.

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
    key
        Of its frame.
    """

    image: str
    first: Explanation | None = None
    methods: Sequence[str] = ()
    lines: Mapping[str, Sequence[GridRow]] = field(default_factory=dict)
    error: XaiHeatmapError | None = None
    pages: Sequence[Path] = ()
    left_out: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    key: str = ""

    def event(self, job: Compare) -> SheetResult | events.Refusal:
        """The sheet in plain values, for pages, other processes and ``--json``."""
        if self.error is not None:
            return events.refusal(
                self.error, key=self.key, image=self.image, model=job.model, job="compare"
            )
        return SheetResult(
            key=self.key,
            image=self.image,
            model=job.model,
            rows=[
                {
                    "target": target,
                    "layer": line.layer,
                    "same": list(line.same),
                    "cells": [_facts(cell) for cell in line.cells],
                }
                for target, lines in self.lines.items()
                for line in lines
            ],
            methods=list(self.methods),
            left_out=self.left_out,
            sheets=[str(page) for page in self.pages],
            seconds=dict(self.seconds),
        )


def sheets(
    job: Compare,
    network: Network,
    *,
    tell: Telling = lambda _: None,
    done: Collection[str] = (),
) -> Iterator[Sheet]:
    """A sheet for one picture after the other; one that can't be read is a sheet with an error.

    Parameters
    ----------
    job, network
        As for `local.run`; where the job names no method, a choice of four.
    tell
        Is told what is being done.
    done
        Keys of frames that a run before this one has done.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture.
    """
    survey = surveyed(network, job)
    layers, left_out = chosen_layers(job.layer, survey, job.rows)
    for frame in pictures(job.images, done=done):
        start = time.perf_counter()
        try:
            told = rows_told(job, frame, network, layers, tell)
        except (InputError, NonFiniteScores, ModelFailed) as error:
            yield Sheet(frame.path, error=error, key=frame.key)
            continue
        explained = time.perf_counter()
        first = next(
            cell
            for cells in told.values()
            for line in cells
            for cell in line.cells
            if isinstance(cell, Explanation)
        )
        written = _written(job, frame, first, told, left_out)
        spent = {"explain": explained - start, "draw and write": time.perf_counter() - explained}
        yield Sheet(
            frame.path,
            first,
            _methods(job),
            told,
            pages=written,
            left_out=left_out,
            seconds=spent,
            key=frame.key,
        )


def _methods(job: PictureJob) -> tuple[str, ...]:
    return tuple(dict.fromkeys(job.method or METHODS))


def rows_told(
    job: PictureJob, frame: Frame, network: Network, layers: Sequence[str], tell: Telling
) -> dict[str, Sequence[GridRow]]:
    """The rows of one picture by target."""
    names = labels_in(job.labels) if job.labels else network.declared.labels or ()
    given = request.looked_at(frame.path, network, job)
    prepared = replace(
        prepare(given, request.preparing(job), network, white=job.white), name=frame.name
    )
    choices = [choice for word in job.target for choice in parsed(word, names)]
    ask = Grid(
        network,
        prepared,
        choices,
        options=request.options(job, job.method or METHODS),
        labels=names if job.labels else None,
        tell=tell,
        passes=job.passes if job.test else 0,
    )
    with running(network.name):
        labels = [one.target.label for one in ask.opened(_methods(job), layers)]
        rows_of = grid_rows(ask, _methods(job), layers, targets=len(labels))
    return dict(zip(labels, rows_of, strict=True))


def _written(
    job: Compare,
    frame: Frame,
    first: Explanation,
    told: Mapping[str, Sequence[GridRow]],
    left_out: int,
) -> list[Path]:
    """The files of the pages, one after the other."""
    stem = safe_stem(f"{Path(frame.name).stem}.compare")
    draw = request.drawing_small(job)
    drawn = pages.drawn(first, _methods(job), told, draw, left_out=left_out)
    own = [first.identity, *_identities(told)]
    return [
        save_picture(
            job.out / f"{stem}{f'.{number}' if number > 1 else ''}.png",
            page,
            identity=joined([*own, str(number)]),
        )
        for number, page in enumerate(drawn, 1)
    ]


def _facts(cell: Cell) -> Facts:
    """A cell in plain values; every cell has an error, which is null where there is a map."""
    if isinstance(cell, Refusal):
        error = {"code": cell.error.code, "message": str(cell.error)}
        return {"method": cell.method, "layer": cell.layer, "error": error}
    return plain(cell.to_dict()) | {"error": None}


def _identities(told: Mapping[str, Sequence[GridRow]]) -> Iterator[str]:
    """Layers and identities of all cells, so that a page is replaced by the same page alone."""
    for line in (line for rows in told.values() for line in rows):
        yield line.layer
        for cell in line.cells:
            yield cell.identity if isinstance(cell, Explanation) else str(cell.error)


def chosen_layers(words: Sequence[str], survey: Survey, most: int) -> tuple[list[str], int]:
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
