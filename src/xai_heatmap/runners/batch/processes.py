"""Shards side by side, in processes of their own; one that ends is started again."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import xai_heatmap
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import ModelFailed, XaiHeatmapError
from xai_heatmap.core.processors import VARIABLE, allowed
from xai_heatmap.runners.batch.folder import RunFolder
from xai_heatmap.runners.batch.meter import Meter

STARTS = 3
"""Times in a row that a worker may end before it takes a shard."""

PATIENCE = 10.0
"""Seconds that a worker has to end by itself."""

Answer = dict[str, Any]


def workers(wanted: int | None) -> int:
    """Number of processes: as said, else one for each two cores."""
    return wanted or max(1, allowed(os.cpu_count() or 1) // 2)


def processes(
    run: RunFolder, shards: Sequence[int], meter: Meter, *, count: int, retry: bool
) -> None:
    """Do the shards in as many processes.

    Parameters
    ----------
    run, shards
        Which.
    meter
        Counts what is done.
    count
        How many processes.
    retry
        Whether only errors are tried again.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture, as a worker says it.
    """
    todo: SimpleQueue[int | None] = SimpleQueue()
    answers: SimpleQueue[Answer] = SimpleQueue()
    count, stop = min(count, len(shards)), Event()
    for shard in [*shards, *[None] * count]:
        todo.put(shard)
    crew = [_Seat(run, todo, answers, stop, count=count, retry=retry) for _ in range(count)]
    threads = [Thread(target=seat.work, daemon=True) for seat in crew]
    for thread in threads:
        thread.start()
    try:
        left = len(threads)
        while left:
            answer = answers.get()
            left -= "left" in answer
            _count(answer, meter)
    finally:
        stop.set()
        for seat, thread in zip(crew, threads, strict=True):
            while thread.is_alive():  # it may start one more meanwhile
                seat.end()
                thread.join(0.1)
            seat.bury()


def _count(answer: Answer, meter: Meter) -> None:
    if "rows" in answer:
        meter.more(answer["shard"], answer["rows"], answer["errors"])
    elif "again" in answer:
        meter.again(answer["again"])
    elif "done" in answer:
        meter.finished(answer["done"])
    elif "code" in answer:
        raise error_of(answer["code"], answer["message"])
    elif "broken" in answer:
        raise answer["broken"]


class _Seat:
    """Place of one worker: whoever sits there is replaced when it ends."""

    def __init__(
        self,
        run: RunFolder,
        todo: "SimpleQueue[int | None]",
        answers: "SimpleQueue[Answer]",
        stop: Event,
        *,
        count: int,
        retry: bool,
    ) -> None:
        self.run, self.todo, self.answers, self.stop = run, todo, answers, stop
        self.count, self.retry = count, retry
        self.process: subprocess.Popen[bytes] | None = None
        self.ready = False

    def work(self) -> None:
        """Do shards until there are none."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - the driver raises it
            self.answers.put({"broken": error})
        finally:
            self.answers.put({"left": True})

    def _work(self) -> None:
        shard, failed = self.todo.get(), 0
        while shard is not None and not self.stop.is_set():
            if self.process is None:
                self.process = self._started()
            finished = False
            self._send(str(shard))
            for answer in self._heard():
                if "ready" in answer:
                    self.ready = True
                    continue
                self.answers.put(answer)
                if "code" in answer:
                    return
                if answer.get("done") == shard:
                    finished = True
                    break
            if finished:
                shard, failed = self.todo.get(), 0
                continue
            self.bury()
            self.answers.put({"again": shard})
            failed = 0 if self.ready else failed + 1
            if failed >= STARTS and not self.stop.is_set():
                raise ModelFailed(
                    f"A process that loads {self.run.facts['job']['model']!r} ended "
                    f"{counted(failed, 'time')} "
                    "before it took a picture. Run it with --runner local to see why."
                )
        self._send("end")
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)

    def _started(self) -> "subprocess.Popen[bytes]":
        home = str(Path(xai_heatmap.__file__).parents[1])
        paths = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
        words = [sys.executable, "-m", "xai_heatmap.runners.batch.worker", str(self.run.path)]
        threads = str(max(1, allowed(os.cpu_count() or 1) // self.count))
        own = dict.fromkeys(("OMP_NUM_THREADS", VARIABLE), threads) if self.count > 1 else {}
        self.ready = False
        return subprocess.Popen(  # noqa: S603 - our own module
            [*words, *(["retry"] if self.retry else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**own, **os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C is the driver's: a worker in its imports would cry out
        )

    def _send(self, line: str) -> None:
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError):  # it has ended: that shows when it is heard
                self.process.stdin.write(line.encode() + b"\n")
                self.process.stdin.flush()

    def _heard(self) -> Iterator[Answer]:
        """What the worker says, until it ends."""
        if self.process is None or self.process.stdout is None:
            return
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):  # half a line of one that was ended
                yield json.loads(line)

    def bury(self) -> None:
        """Let go of a worker that has ended."""
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
            self.process.wait()
        self.process = None

    def end(self) -> None:
        """End the worker, if there is one: it is asked to, and then made to."""
        process = self.process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def error_of(code: str, message: str) -> XaiHeatmapError:
    """The error of that code."""
    kinds = [XaiHeatmapError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.code == code), XaiHeatmapError)(message)
