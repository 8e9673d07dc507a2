"""How long the package and the command take to start, above bare Python; and what they import."""

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.networks import ROOT
from benchmarks.settings import START

HEAVY = ("torch", "keras", "tensorflow", "jax", "onnxruntime")

COMMANDS = {
    "bare Python": [sys.executable, "-c", "pass"],
    "import xai_heatmap": [sys.executable, "-c", "import xai_heatmap"],
    "from xai_heatmap import explain": [sys.executable, "-c", "from xai_heatmap import explain"],
    "xai-heatmap --help": [str(Path(sys.executable).with_name("xai-heatmap")), "--help"],
}

AIMED_AT = ("import xai_heatmap", "xai-heatmap --help")

IMPORTED = """
import sys
{run}
print(",".join(sorted(set(sys.modules) & {heavy!r})), file=sys.stderr)
"""

RUNS = {
    "import xai_heatmap": "import xai_heatmap",
    "from xai_heatmap import explain": "from xai_heatmap import explain",
    "xai-heatmap --help": """
from xai_heatmap.apps.cli import main
sys.argv = ["xai-heatmap", "--help"]
try:
    main()
except SystemExit:
    pass
""",
}


def records(times: int) -> Iterator[dict[str, Any]]:
    """Median seconds above bare Python of commands started in turn, in random order."""
    order = random.Random(0)  # noqa: S311 - no secret
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for round_ in range(times + 1):  # the first one writes byte code
        for name in order.sample(list(COMMANDS), len(COMMANDS)):
            taken = _started(COMMANDS[name])
            if round_:
                seconds[name].append(taken)
    bare = statistics.median(seconds["bare Python"])
    for name, run in RUNS.items():
        above = [a - b for a, b in zip(seconds[name], seconds["bare Python"], strict=True)]
        yield {
            "kind": "starting",
            "row": name,
            "bare": bare,
            "above": statistics.median(above),
            "goal": START if name in AIMED_AT else None,
            "imported": _imported(run),
        }


def _started(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=_environment())
    return time.perf_counter() - start


def _imported(run: str) -> list[str]:
    """Which frameworks are in memory after it."""
    code = IMPORTED.format(run=run, heavy=set(HEAVY))
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=ROOT,
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    return [name for name in done.stderr.strip().splitlines()[-1:] if name]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
