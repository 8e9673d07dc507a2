"""A run over all pictures of a source, from Python and from a job."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from xai_heatmap import networks
from xai_heatmap.core.errors import BadOption, InputError
from xai_heatmap.core.network import Network
from xai_heatmap.explaining.many import picture_of
from xai_heatmap.explaining.preparing import Preparing
from xai_heatmap.explaining.request import ClassNames, OneTarget
from xai_heatmap.explaining.spoken import spoken
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.jobs.events import BatchProgress
from xai_heatmap.runners.batch.asking import Asking, Objects, asking
from xai_heatmap.runners.batch.beginning import begun
from xai_heatmap.runners.batch.crumbs import left
from xai_heatmap.runners.batch.folder import WORK, RunFolder, alone, is_run, read_run
from xai_heatmap.runners.batch.local import local
from xai_heatmap.runners.batch.meter import Meter, allowed
from xai_heatmap.runners.batch.on_ray import on_ray
from xai_heatmap.runners.batch.processes import processes, workers
from xai_heatmap.runners.batch.saying import question_of
from xai_heatmap.runners.batch.shard import Read
from xai_heatmap.runners.batch.stored import StoredRun, open_run
from xai_heatmap.runners.local import check, opened
from xai_heatmap.sinks.store.parts import counts
from xai_heatmap.sinks.store.rows import parquet
from xai_heatmap.sources.listing.entry import Entry
from xai_heatmap.sources.listing.listed import entries as listed

Listen = Callable[[BatchProgress], object]
"""Callback for how far a run is."""


@spoken
def batch(
    source: Any,
    model: Any,
    *,
    out: str | os.PathLike[str],
    method: str | None = None,
    layer: str | int = "auto",
    target: OneTarget = None,
    preprocess: Preparing = None,
    labels: ClassNames = None,
    options: Mapping[str, object] | None = None,
    maps: Literal["uint8", "float32"] = "uint8",
    png: bool = False,
    npz: bool = False,
    shard: int = 4096,
    size: int = 32,
    runner: Literal["local", "processes", "ray"] = "local",
    workers: int | None = None,
    decoders: int | None = None,
    max_errors: int | str | None = None,
    listen: Listen | None = None,
) -> StoredRun:
    """Explain every picture of a source, and store a row for each as Parquet; the same call goes on
    where a run was stopped.

    Parameters
    ----------
    source
        A folder with all folders in it, a pattern, a manifest (``.txt``, ``.csv``, ``.parquet``
        with the columns uri, label, id), a WebDataset archive (``.tar``), a video, a data set of
        Hugging Face (``hf:NAME?split=test``, or a folder that it saved), an address that fsspec
        opens; a list of these; or a sequence of pictures in memory, such as a data set.
    model
        As for `xai_heatmap.network`.
    out
        Folder of the run.
    method, layer, target, preprocess, labels, options
        As for `explain`; one of each.
    maps
        ``uint8``: 256 levels between the least and the largest number of each map, 0 being one of
        them; ``float32``: every digit.
    png, npz
        Whether each picture is drawn, and each map written as a file, too.
    shard
        Rows of a part: what is lost, at most, where a run is killed.
    size
        Pictures that go through the network together; fewer where memory ends.
    runner, workers
        ``local``: this process; ``processes``: so many others, each with a model of its own, which
        therefore is a name or a path; ``ray``: so many workers of Ray, on the cluster that
        ``RAY_ADDRESS`` names or on this machine. The folder `out` is one that all of them see.
    decoders
        Threads that read pictures meanwhile.
    max_errors
        A run with more pictures that can't be explained is stopped: a number, or a share as ``1%``.
    listen
        Is told how far the run is, several times a second.

    Returns
    -------
    The run, as `open_run` reads it.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture; a single picture becomes a row that says
        why.
    """
    fields, objects = question_of(
        model, method=method, layer=layer, target=target, preprocess=preprocess, labels=labels,
        options=options,
    )  # fmt: skip
    sources, pictures = _sources(source)
    job = Batch(
        source=tuple(sources),
        **fields,
        out=Path(out), maps=maps, png=png, npz=npz, shard=shard, batch=size, runner=runner,
        workers=workers, decoders=decoders,
        max_errors=None if max_errors is None else str(max_errors),
    )  # fmt: skip
    check(job)
    network = networks.network(model) if job.model is None else opened(job)
    return run_job(job, network, objects=objects, pictures=pictures, listen=listen)


def run_job(
    job: Batch,
    network: Network,
    *,
    objects: Objects | None = None,
    pictures: Any = None,
    found: Iterable[Entry] | None = None,
    listen: Listen | None = None,
    retry: bool = False,
) -> StoredRun:
    """Begin the run of a job or go on with it.

    Parameters
    ----------
    job, network
        What is asked, and of which network.
    objects
        What the job can't say in words.
    pictures
        Of a source in memory.
    found
        Entries of the source, where they are not all that it has.
    listen
        Is told how far the run is.
    retry
        Whether the errors of finished shards are tried again; no other shard is done.

    Raises
    ------
    XaiHeatmapError
        As `batch` does.
    """
    parquet()
    own = asking(job, network, objects)
    remembered = (objects is None or objects.none) and pictures is None and job.model is not None
    if job.runner != "local" and not remembered:
        raise BadOption(
            "Other processes open the model and read the pictures themselves: give the model as a "
            "name or a path such as 'net.py:make', preprocess and target in words, and pictures as "
            "a folder or a manifest; or say runner='local'."
        )
    is_run(job.out)
    with alone(job.out):
        if found is None:
            found = listed(job.source) if pictures is None else _numbered(pictures)
        run = begun(own, found, objects=objects or Objects(), remembered=remembered)
        read = Entry.given if pictures is None else _reading(pictures)
        _work(run, own, read, listen or _nobody, retry=retry)
    return open_run(run.path, pictures=pictures)


def retried(path: str | os.PathLike[str], *, listen: Listen | None = None) -> StoredRun:
    """Try the pictures of a run again that could not be explained; what is finished stays.

    Raises
    ------
    BadOption
        For a run that was begun from Python with objects.
    XaiHeatmapError
        As `batch` does.
    """
    run = read_run(path)
    if run.facts["job"] is None:
        raise BadOption(
            f"The run {str(run.path)!r} was begun with objects of Python, which no file holds. "
            "Move the parts with errors away, and call xai_heatmap.batch(...) again."
        )
    job = Batch.model_validate(run.facts["job"] | {"out": str(path)})
    return run_job(job, opened(job), listen=listen, retry=True)


def _work(run: RunFolder, own: Asking, read: Read, listen: Listen, *, retry: bool) -> None:
    done = set(run.done())
    rows, errors = run.counts()
    job, plan = own.job, run.plan
    todo = [shard for shard in range(plan.shards) if shard not in done]
    if retry:
        todo = [shard for shard in sorted(done) if counts(run.part(shard))[1]]
        again = sum(counts(run.part(shard))[1] for shard in todo)
        rows, errors = rows - again, errors - again
    most = allowed(job.max_errors, plan.pictures)
    meter = Meter(str(run.path), plan.pictures, rows, errors, most, listen)
    meter.tell()
    if job.runner != "local" and todo:
        own_runner = on_ray if job.runner == "ray" else processes
        own_runner(run, todo, meter, count=workers(job.workers), retry=retry)
    elif todo:
        ended = set(left(run.path / WORK)) & set(todo) if run.facts["job"] else set()
        if ended:  # a process of its own, so that it ends and this one stays
            processes(run, sorted(ended), meter, count=1, retry=retry)
        local(run, [shard for shard in todo if shard not in ended], own, read, meter, retry=retry)
    meter.tell(complete=len(run.done()) == plan.shards)


def _sources(source: Any) -> tuple[list[str], Any]:
    """Words that name the source, and its pictures where it is in memory."""
    if isinstance(source, str | os.PathLike):
        return [os.fspath(source)], None
    if isinstance(source, Sequence) and all(isinstance(one, str | os.PathLike) for one in source):
        return [os.fspath(one) for one in source], None
    if hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        return [f"{type(source).__name__} of {len(source)}"], source
    raise BadOption(
        f"A run goes through its source more than once; received a {type(source).__name__}. Give a "
        "folder, a pattern, a manifest, an archive, an address, a list, or a data set with places. "
        "Iterators are explained by xai_heatmap.explain(network, iterator)."
    )


def _numbered(pictures: Any) -> Iterable[Entry]:
    return (Entry(str(place), f"#{place}") for place in range(len(pictures)))


def _reading(pictures: Any) -> Read:
    def read(entry: Entry) -> Any:
        try:
            return picture_of(pictures[int(entry.id)])
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"Row {entry.id} can't be had: {type(error).__name__}: {error}."
            ) from error

    return read


def _nobody(_: BatchProgress) -> None:
    pass
