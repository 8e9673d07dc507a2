"""Mutated model files end in an answer or in an error of the project, never in anything else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def fuzzed(folder: Path, *, seed: int, count: int) -> subprocess.CompletedProcess:
    """In a process of its own: a crash of the interpreter is an exit code here."""
    own = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(HERE.parent), str(HERE), *([own] if own else [])])
    return subprocess.run(
        [sys.executable, HERE / "onnx_fuzz.py", str(seed), str(count), folder],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("seed", "count"),
    [pytest.param(1, 150, marks=pytest.mark.slow), pytest.param(2, 500, marks=pytest.mark.slow)],
)
def test_mutated_files_are_answered_or_refused(tmp_path, seed, count):
    """`make fuzz` goes on where these few end."""
    done = fuzzed(tmp_path, seed=seed, count=count)
    assert done.returncode == 0, f"the interpreter died: {done.stderr[-2000:]}"
    found = re.search(r"answer=(\d+) refused=(\d+) wrong=(\d+)", done.stdout)
    assert found is not None
    assert found[3] == "0", done.stdout
    assert int(found[1]) > 0
    assert int(found[2]) > 0
