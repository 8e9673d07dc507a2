"""Shards one after the other, in this process."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from xai_heatmap.core.processors import allowed
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.runners.batch.asking import Asking
from xai_heatmap.runners.batch.crumbs import Crumbs
from xai_heatmap.runners.batch.drawn import Drawing
from xai_heatmap.runners.batch.folder import WORK, RunFolder
from xai_heatmap.runners.batch.meter import Meter
from xai_heatmap.runners.batch.shard import Read, ShardTask, Tell
from xai_heatmap.sinks.store.parts import read_rows, write_part

MOST_DECODERS = 8


def decoders(job: Batch) -> int:
    """Number of threads that read pictures."""
    return job.decoders or min(allowed(os.cpu_count() or 1), MOST_DECODERS)


def local(
    run: RunFolder, shards: Sequence[int], asking: Asking, read: Read, meter: Meter, *, retry: bool
) -> None:
    """Do the shards in their order.

    Parameters
    ----------
    run, shards
        Which.
    asking, read
        What is asked of every picture, and how one is read.
    meter
        Counts what is done.
    retry
        Whether the shards are finished already, and only their errors are tried again.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture.
    """
    with ThreadPoolExecutor(decoders(asking.job), "reading") as pool:
        task = shard_task(run, asking, read, pool)
        for shard in shards:
            do_shard(run, shard, task, lambda *more, own=shard: meter.more(own, *more), retry=retry)
            meter.finished(shard)


def shard_task(run: RunFolder, asking: Asking, read: Read, pool: ThreadPoolExecutor) -> ShardTask:
    """What a process does with every shard."""
    job = asking.job
    drawing = Drawing(run.path, job.png, job.npz, asking.draw, caption=job.caption)
    return ShardTask(asking, read, pool, drawing)


def do_shard(run: RunFolder, shard: int, task: ShardTask, tell: Tell, *, retry: bool) -> None:
    """Do one shard, and write its part; of one that is tried again, the rows that are errors.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture.
    """
    crumbs = Crumbs.found(run.path / WORK, shard)
    entries = run.plan.entries(shard)
    kept = list(read_rows(run.part(shard))) if retry else []
    again = {row["id"] for row in kept if row["error"] is not None}
    wanted = [entry for entry in entries if entry.id in again] if retry else entries
    crumbs.begin()
    try:
        made = task.rows(wanted, crumbs, tell)
        if retry:
            new = {row["id"]: row for row in made}
            made = [new.get(row["id"], row) for row in kept]
        facts = {"fingerprint": run.fingerprint, "shard": str(shard)}
        write_part(run.part(shard), made, facts)
    except BaseException:
        crumbs.leave()
        raise
    crumbs.finish()
