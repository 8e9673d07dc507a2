"""Metrics of one picture's maps after the other's."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from xai_heatmap.core.arrays import Mask
from xai_heatmap.core.errors import (
    BadOption,
    InputError,
    ModelFailed,
    NonFiniteScores,
    XaiHeatmapError,
)
from xai_heatmap.core.metric import find_metric
from xai_heatmap.core.network import Network
from xai_heatmap.core.plain import plain
from xai_heatmap.core.targets.wording import parsed
from xai_heatmap.explaining.measure import Measured, measure
from xai_heatmap.explaining.request import usual_method
from xai_heatmap.jobs import request
from xai_heatmap.jobs.events import FiguresResult, Refusal, refusal
from xai_heatmap.jobs.job import Measure
from xai_heatmap.runners.failing import running
from xai_heatmap.runners.local import surveyed
from xai_heatmap.sources.array import is_stored, stored
from xai_heatmap.sources.frames import pictures
from xai_heatmap.sources.image import read
from xai_heatmap.sources.labels import labels as labels_in


@dataclass(frozen=True)
class Figures:
    """Result of one image of a job.

    Parameters
    ----------
    image, key
        As it was named, and the key of its frame.
    measured
        A figure for each map and metric.
    error
        Why there are none.
    seconds
        How long it took, by stage.
    """

    image: str
    key: str
    measured: Sequence[Measured] = ()
    error: XaiHeatmapError | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    def event(self, job: Measure) -> FiguresResult | Refusal:
        """The figures in plain values, for pages, other processes and ``--json``."""
        if self.error is not None:
            return refusal(
                self.error, key=self.key, image=self.image, model=job.model, job="measure"
            )
        return FiguresResult(
            key=self.key,
            image=self.image,
            model=job.model,
            figures=[plain(one.to_dict()) for one in self.measured],
            seconds=dict(self.seconds),
        )


def metrics_of(job: Measure) -> tuple[str, ...]:
    """The metrics that are asked for."""
    usual = "insertion_deletion" if job.mask is None else "energy"
    return tuple(dict.fromkeys(job.metric)) or (usual,)


def check(job: Measure) -> None:
    """Whatever can be found wrong with metrics and mask without the model."""
    options_of(job)
    if job.mask is not None and len(job.images) > 1:
        raise BadOption(
            f"--mask is the truth of one picture; {len(job.images)} were given. Measure them one "
            "by one."
        )
    for name in metrics_of(job):
        if job.mask is None and "mask" in find_metric(name).needs:
            raise BadOption(f"{name} is against the truth. Give it with --mask FILE.")


def options_of(job: Measure) -> dict[str, dict[str, object]]:
    """The options of each metric: those named for it, and those named for all that have them."""
    names = metrics_of(job)
    found: dict[str, dict[str, object]] = {find_metric(name).name: {} for name in names}
    for text in job.metric_option:
        key, equals, value = text.partition("=")
        owner, dot, name = key.strip().rpartition(".")
        if not equals or not name or (dot and owner not in found):
            raise BadOption(
                "A metric's option is written NAME=VALUE or METRIC.NAME=VALUE, such as steps=32, "
                f"of one of the metrics asked for: {', '.join(names)}; received {text!r}."
            )
        takers = [owner] if dot else [one for one in names if name in find_metric(one).options]
        for metric in takers or names[:1]:
            found[metric] |= find_metric(metric).checked({name: value.strip()})
    return found


def figures(job: Measure, network: Network, *, done: Collection[str] = ()) -> Iterator[Figures]:
    """Figures of one picture after the other; of one that can't be read, why there are none.

    Parameters
    ----------
    job, network
        What is asked, and of which network.
    done
        Keys of frames that a run before this one has done.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture.
    """
    names = labels_in(job.labels) if job.labels else network.declared.labels or ()
    survey = surveyed(network, job)
    methods = job.method or (usual_method(network, survey),)
    ask = partial(
        measure,
        network,
        metrics=metrics_of(job),
        methods=methods,
        layers=request.layers(job.layer),
        targets=[choice for word in job.target for choice in parsed(word, names)],
        mask=None if job.mask is None else _mask(job.mask),
        metric_options=options_of(job),
        preprocess=request.preparing(job),
        white=job.white,
        labels=names if job.labels else None,
        options=request.options(job, methods),
    )
    for frame in pictures(job.images, done=done):
        start = time.perf_counter()
        try:
            given = request.looked_at(frame.path, network, job)
            with running(network.name):
                found = ask(given)
        except (InputError, NonFiniteScores, ModelFailed) as error:
            yield Figures(frame.path, frame.key, error=error)
            continue
        spent = {"measure": time.perf_counter() - start}
        yield Figures(frame.path, frame.key, found, seconds=spent)


def _mask(path: Path) -> Mask:
    """True where a picture is not black, or an array is not 0."""
    if is_stored(path):
        return stored(path) != 0
    return read(path).image.max(axis=2) > 0
