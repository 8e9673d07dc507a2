"""Mutated pictures, arrays and labels end in an answer or in an error of the project."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="needs a system that says how much memory was taken")


@pytest.mark.parametrize(
    ("seed", "count"),
    [pytest.param(1, 1000, marks=pytest.mark.slow), pytest.param(2, 4000, marks=pytest.mark.slow)],
)
def test_mutated_files_are_read_or_refused(tmp_path, seed, count):
    """In a process of its own: a crash of the interpreter is an exit code here. `make fuzz` goes on
    where these few end."""
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, here / "picture_fuzz.py", str(seed), str(count), tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"the interpreter died: {done.stderr[-2000:]}"
    found = re.search(r"answer=(\d+) refused=(\d+) wrong=(\d+)", done.stdout)
    assert found is not None
    assert found[3] == "0", done.stdout
    assert int(found[1]) > 0
    assert int(found[2]) > 0
