"""Beginning of a run, or the return to one: settings are compared, or written beside a new plan."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.network import Network
from xai_heatmap.core.version import installed_version
from xai_heatmap.jobs import request
from xai_heatmap.jobs.audit_job import Audit
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.jobs.picture_job import PictureJob
from xai_heatmap.runners.batch.asking import Asking, Objects
from xai_heatmap.runners.batch.folder import (
    RunFolder,
    check_same,
    fingerprint,
    is_run,
    read_run,
    write_run,
)
from xai_heatmap.runners.batch.plan import NAME, write_plan
from xai_heatmap.sources.listing.entry import Entry, absolute
from xai_heatmap.sources.preprocess import Preprocess

ANSWERS = 16
"""Scores that tell one network from another."""

CLOSE = 1e-2
"""Part of the largest score by which two machines may differ about them."""


def begun(
    own: Asking, entries: Iterable[Entry], *, objects: Objects, remembered: bool
) -> RunFolder:
    """The run in the job's folder: the one that is there, if it was asked the same.

    Parameters
    ----------
    own, objects
        What is asked.
    entries
        Pictures of the source, which are listed for a new run alone.
    remembered
        Whether the job says everything, so that another process can do it.

    Raises
    ------
    BadOption
        If the run that is there was asked something else, or of another network.
    OutputError
        If the folder holds something else, or can't be written to.
    """
    job, path = own.job, own.job.out
    settings = settings_of(job, objects, remembered=remembered)
    answers = answered(own.network, job)
    if is_run(path):
        run = read_run(path)
        check_same(run, settings)
        check_answers(run, own.network, answers)
        return run
    plan, digest = write_plan(path / NAME, entries, shard=job.shard)
    return write_run(
        path,
        {
            "xai_heatmap": installed_version(),
            "fingerprint": fingerprint(settings, digest),
            "settings": settings,
            "job": job.model_dump(mode="json", exclude={"out"}) if remembered else None,
            "pictures": plan.pictures,
            "shard": plan.shard,
            "plan": digest,
            "network": own.network.name,
            "classes": list(own.ask.labels or own.network.declared.labels or ()),
            "answers": answers,
        },
    )


def settings_of(job: Batch | Audit, objects: Objects, *, remembered: bool) -> dict[str, object]:
    """All that decides what the rows are, in plain values."""
    sources = job.source if remembered else ()
    said = job.deciding() | {"xai_heatmap": installed_version()}
    said |= {"source": [absolute(own) for own in sources]} if sources else {}
    for name in ("model", "weights"):
        path = Path(str(getattr(job, name) or ""))
        if path.is_file():
            with path.open("rb") as file:
                said[f"{name}_sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    if objects.preprocess is not None:
        said["preprocess"] = words_of_object(objects.preprocess)
    if objects.target is not None:
        said["target"] = [objects.target.label]
    if objects.labels is not None:
        said["labels"] = hashlib.sha256(repr(tuple(objects.labels)).encode()).hexdigest()
    if objects.options is not None:
        said["option"] = sorted(
            f"{name}={words_of_object(own)}" for name, own in objects.options.items()
        )
    return said


def words_of_object(own: object) -> str:
    """An object in words that are the same in every process."""
    if isinstance(own, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(own).tobytes()).hexdigest()
    if isinstance(own, Preprocess):
        return repr(own.to_dict())
    if isinstance(own, Mapping | str | int | float | None):
        return repr(own)
    name = getattr(own, "__qualname__", type(own).__qualname__)
    return f"{getattr(own, '__module__', type(own).__module__)}.{name}"


def answered(network: Network, job: PictureJob) -> list[float]:
    """First scores that the network gives for noise of a fixed seed."""
    shape = request.input_shape(job, network)
    noise = np.random.default_rng(0).random((1, *shape), dtype=np.float32)
    found = network.record(noise).scores[0, :ANSWERS]
    return [float(one) for one in found]


def check_answers(
    run: RunFolder, network: Network, now: list[float], *, otherwise: str = "Choose another --out"
) -> None:
    """Refuse a network that gives other scores than the one that a run was begun with; `otherwise`
    is what may be done instead of opening that one.

    Raises
    ------
    BadOption
        With what to do, such as for a factory whose weights are random in every process.
    """
    then = np.array(run.facts["answers"], float)
    own = np.array(now, float)
    if then.shape == own.shape:
        near = CLOSE * max(float(np.abs(then).max(initial=0)), 1e-6)
        if np.all((np.abs(then - own) <= near) | (np.isnan(then) & np.isnan(own))):
            return
    raise BadOption(
        f"The run {str(run.path)!r} was begun with another network than {network.name} is now: the "
        f"same noise gives other scores. {otherwise}, or open the network that it was begun with; "
        "a factory that draws random weights gives another one each time."
    )
