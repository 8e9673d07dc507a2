"""Shards on Ray: Ray Data places the workers, each of which does what one process does."""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import xai_heatmap
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, ModelFailed, XaiHeatmapError
from xai_heatmap.core.processors import VARIABLE
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.runners.batch.asking import asking
from xai_heatmap.runners.batch.beginning import answered, check_answers
from xai_heatmap.runners.batch.folder import WORK, RunFolder, read_run
from xai_heatmap.runners.batch.local import decoders, do_shard, shard_task
from xai_heatmap.runners.batch.meter import Meter
from xai_heatmap.runners.batch.processes import error_of
from xai_heatmap.runners.local import opened
from xai_heatmap.sources.listing.entry import Entry

STARTS = 8
"""Workers that may end while they load the model, before no more is tried. Ray itself starts them
again without end. What a shard ends is counted by its crumbs, and a picture that ends its process
is found after three."""

STARTING = "starting-"
"""Name of the file that says that a worker loads the model."""


class RayWorker:
    """Worker of Ray: one model, which does shards.

    Parameters
    ----------
    path
        Folder of the run, which every machine of the cluster sees.
    retry
        Whether only errors are tried again.
    """

    def __init__(self, path: str, retry: bool) -> None:
        self.run, self.retry = read_run(path), retry
        self.broken: XaiHeatmapError | None = None
        self._begin()
        if self.broken is not None:
            return
        try:
            job = Batch.model_validate(self.run.facts["job"])
            own = asking(job, opened(job))
            check_answers(self.run, own.network, answered(own.network, job))
            self.task = shard_task(self.run, own, Entry.given, ThreadPoolExecutor(decoders(job)))
        except XaiHeatmapError as error:  # an exception would end as somebody else's
            self.broken = error
        _forget(self.run)

    def _begin(self) -> None:
        """Note that the model is being loaded: the note of a worker that ends meanwhile stays until
        one has loaded it. Where too many have ended in a row, `broken` says so.
        """
        folder = self.run.path / WORK
        folder.mkdir(parents=True, exist_ok=True)
        ended = len(list(folder.glob(f"{STARTING}*")))
        (folder / f"{STARTING}{secrets.token_hex(8)}").touch()
        if ended >= STARTS:
            self.broken = ModelFailed(
                f"Workers that load {self.run.facts['job']['model']!r} ended "
                f"{counted(ended, 'time')} before "
                "they took a picture. Run it with --runner local to see why."
            )

    def __call__(self, batch: Mapping[str, Sequence[int]]) -> dict[str, list[Any]]:
        """A row for each shard: how many of its rows are errors, or what is wrong with all."""
        found: dict[str, list[Any]] = {
            name: [] for name in ("shard", "rows", "errors", "code", "why")
        }
        for shard in map(int, batch["shard"]):
            for name, value in self._done(shard).items():
                found[name].append(value)
        return found

    def _done(self, shard: int) -> dict[str, Any]:
        counts = [0, 0]

        def tell(rows: int, errors: int) -> None:
            counts[0], counts[1] = counts[0] + rows, counts[1] + errors

        try:
            if self.broken is not None:
                raise self.broken
            do_shard(self.run, shard, self.task, tell, retry=self.retry)
        except XaiHeatmapError as error:
            return {"shard": shard, "rows": 0, "errors": 0, "code": error.code, "why": str(error)}
        return {"shard": shard, "rows": counts[0], "errors": counts[1], "code": "", "why": ""}


def on_ray(run: RunFolder, shards: Sequence[int], meter: Meter, *, count: int, retry: bool) -> None:
    """Do the shards on Ray: on the cluster that ``RAY_ADDRESS`` or ``ray.init`` names, else on one
    that is started on this machine.

    Parameters
    ----------
    run, shards
        Which.
    meter
        Counts what is done.
    count
        How many workers.
    retry
        Whether only errors are tried again.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture, as a worker says it; for Ray that is not
        installed.
    """
    ray = ray_itself()
    started = not ray.is_initialized()
    if started:
        ray.init(log_to_driver=False, include_dashboard=False, configure_logging=False)
    _forget(run)
    try:
        for row in _rows(ray, run, shards, min(count, len(shards)), retry):
            if row["code"]:
                raise error_of(row["code"], row["why"])
            meter.more(row["shard"], row["rows"], row["errors"])
            meter.finished(row["shard"])
    except ray.exceptions.RayError as error:
        raise ModelFailed(
            f"Ray gave up: {error}. What is finished stays: run the same command again, or with "
            "--runner local to see why."
        ) from error
    finally:
        if started:
            ray.shutdown()


def _forget(run: RunFolder) -> None:
    """Take away the notes of workers that ended while they loaded the model."""
    for note in (run.path / WORK).glob(f"{STARTING}*"):
        note.unlink(missing_ok=True)


def ray_itself() -> Any:
    """The module ray, with ray.data.

    Raises
    ------
    BadOption
        Where it is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise BadOption(
            "runner 'ray' needs Ray: pip install 'xai-heatmap[ray]'. On one machine, "
            "--runner processes does the same without it."
        ) from None
    return ray


def _rows(
    ray: Any, run: RunFolder, shards: Sequence[int], count: int, retry: bool
) -> Iterator[dict[str, Any]]:
    """What became of each shard, as it becomes known."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    share = max(1, int(ray.cluster_resources().get("CPU", 1)) // count)
    home = str(Path(xai_heatmap.__file__).parents[1])
    paths = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    threads = os.environ.get("OMP_NUM_THREADS", str(share))
    told = {"PYTHONPATH": paths, "OMP_NUM_THREADS": threads}
    told[VARIABLE] = os.environ.get(VARIABLE, str(share))
    items = ray.data.from_items([{"shard": one} for one in shards], override_num_blocks=len(shards))
    done = items.map_batches(
        RayWorker,
        fn_constructor_kwargs={"path": str(run.path.absolute()), "retry": retry},
        batch_size=1,  # without it, a worker is handed whatever a block holds
        compute=ray.data.ActorPoolStrategy(size=count),
        num_cpus=share,
        runtime_env={"env_vars": told},
    )
    yield from done.iter_rows()
