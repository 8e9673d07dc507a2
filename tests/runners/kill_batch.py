"""Kill drivers and workers of batch runs at random moments, and count rows lost, doubled or torn.

    python tests/runners/kill_batch.py local 200 7       # runner, kills, seed
    python tests/runners/kill_batch.py processes 200 7   # half of the kills hit a worker

Every run that comes to its end is compared with one that nobody disturbed, row by row; then the
next one begins. `make kills` does both.
"""

import contextlib
import math
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from batch_places import FACTORY, folder, table

import xai_heatmap as xh

PICTURES = 60
SLOW = FACTORY.replace("import os", "import os, time").replace(
    "    light =", "    time.sleep(0.02)\n    light ="
)


class Driver:
    """A driver in a process of its own, forked: nothing is imported again."""

    def __init__(self, work):
        self.id, self.code = os.fork(), None
        if self.id == 0:
            try:
                os._exit(int(work() or 0))
            finally:
                os._exit(1)

    def wait(self, seconds=math.inf):
        """Its exit code, None if it still runs after so many seconds."""
        end = time.monotonic() + seconds
        while self.code is None and time.monotonic() < end:
            done, status = os.waitpid(self.id, os.WNOHANG)
            if done:
                self.code = os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        return self.code

    def workers(self):
        """Ids of the processes that it started."""
        found = []
        for task in Path(f"/proc/{self.id}/task").glob("*/children"):
            found += [int(word) for word in task.read_text().split()]
        return found


def run(out, runner):
    xh.batch(
        "in", "net.py:net", out=out, method="eigencam", layer="input", shard=4, size=3,
        preprocess={"mode": "unit", "input_size": (8, 8)}, runner=runner, workers=2,
    )  # fmt: skip


def differs(out):
    """Whether rows are lost, doubled, torn, or other than they should be."""
    ids = table(out).column("id").to_pylist()
    return not (table(out).equals(table("whole")) and len(set(ids)) == len(ids) == PICTURES)


def main(runner, count, seed):
    dice = random.Random(seed)  # noqa: S311 - moments, no secrets
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        Path("net.py").write_text(SLOW)
        folder(Path("in"), PICTURES)
        start = time.monotonic()
        assert Driver(lambda: run("whole", runner)).wait() == 0
        span = time.monotonic() - start
        kills, at_worker, runs, wrong = 0, 0, 0, 0
        while kills < count:
            out = f"run{runs}"
            driver = Driver(lambda out=out: run(out, runner))
            while driver.wait(dice.uniform(0, span)) is None:
                victims = driver.workers() if dice.random() < 0.5 else []
                with contextlib.suppress(ProcessLookupError):
                    os.kill(dice.choice(victims) if victims else driver.id, signal.SIGKILL)
                    kills += 1
                    at_worker += bool(victims)
            if driver.code == 0:
                runs += 1
                wrong += Driver(lambda out=out: differs(out)).wait() != 0
                print(f"{kills} kills, {runs} runs, {wrong} not whole", flush=True)
    print(
        f"{runner}: {kills} kills ({at_worker} of workers), {runs} finished runs, {wrong} with "
        "rows lost, doubled or torn"
    )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
