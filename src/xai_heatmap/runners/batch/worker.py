"""A process of its own that does shards: told which on stdin, one a line, and answers on stdout.

``python -m xai_heatmap.runners.batch.worker RUN [retry]``
"""

import json
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, BinaryIO

from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.runners.batch.asking import asking
from xai_heatmap.runners.batch.beginning import answered, check_answers
from xai_heatmap.runners.batch.folder import RunFolder, read_run
from xai_heatmap.runners.batch.local import decoders, do_shard, shard_task
from xai_heatmap.runners.batch.shard import ShardTask
from xai_heatmap.runners.local import opened
from xai_heatmap.sources.listing.entry import Entry

ORPHANED = 3
"""Exit code of a worker whose driver is no more."""


class Worker:
    """Worker on one run.

    Parameters
    ----------
    run
        Which.
    retry
        Whether only errors are tried again.
    answers
        Where answers go.
    """

    def __init__(self, run: RunFolder, *, retry: bool, answers: BinaryIO) -> None:
        self.run, self.retry, self.answers = run, retry, answers

    def say(self, **what: Any) -> None:
        """One answer."""
        self.answers.write(json.dumps(what).encode() + b"\n")
        self.answers.flush()

    def work(self) -> int:
        """Do every shard that is asked for; answers the exit code."""
        shards: SimpleQueue[int | None] = SimpleQueue()
        threading.Thread(target=_listening, args=(shards,), daemon=True).start()
        try:
            job = Batch.model_validate(self.run.facts["job"])
            own = asking(job, opened(job))
            check_answers(self.run, own.network, answered(own.network, job))
            with ThreadPoolExecutor(decoders(job), "reading") as pool:
                task = shard_task(self.run, own, Entry.given, pool)
                self.say(ready=True)
                while (shard := shards.get()) is not None:
                    self._do(shard, task)
        except XaiHeatmapError as error:
            self.say(code=error.code, message=str(error))
            return error.exit_code
        except KeyboardInterrupt:
            return 130
        return 0

    def _do(self, shard: int, task: ShardTask) -> None:
        def tell(rows: int, errors: int) -> None:
            self.say(shard=shard, rows=rows, errors=errors)

        do_shard(self.run, shard, task, tell, retry=self.retry)
        self.say(done=shard)


def _listening(shards: "SimpleQueue[int | None]") -> None:
    """Pass on what stdin says; without a driver there is nobody to work for."""
    for line in sys.stdin:
        if line.strip() == "end":
            shards.put(None)
            return
        shards.put(int(line))
    os._exit(ORPHANED)


def main(words: list[str]) -> int:
    """Work on the run that the words name; whatever a model prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for own in (signal.SIGTERM, signal.SIGINT):
        signal.signal(own, _interrupt)
    return Worker(read_run(words[0]), retry="retry" in words[1:], answers=answers).work()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
