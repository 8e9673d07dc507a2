"""Whether the tests notice what is wrong: `python tests/mutations.py`, `--list`, or names.

Each of the faults in `mutants.py` is made in a copy of the package, and the tests of its area are
run on the copy: they have to fail. `--sound` runs the same tests on the package as it is: they have
to pass. No part of `make test`; run it where tests were left out or joined.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[1]
PASSED, FAILED = 0, 1
"""Exit codes of pytest: another one says that nothing was tested."""


def main() -> int:
    """Make the faults that are asked for; 1 where one is not noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="say which there are")
    parser.add_argument("--sound", action="store_true", help="the same tests without a fault")
    parser.add_argument("names", nargs="*", help="parts of the names of some")
    asked = parser.parse_args()
    chosen = [one for one in MUTANTS if not asked.names or any(n in one.name for n in asked.names)]
    if asked.list:
        print("\n".join(one.name for one in chosen))
        return 0
    wrong = 0
    for one in chosen:
        begin = time.monotonic()
        code, first = tried(one, sound=asked.sound)
        as_it_should = code == (PASSED if asked.sound else FAILED)
        wrong += not as_it_should
        word = "ok" if as_it_should else "NOT NOTICED" if code == PASSED else f"exit {code}"
        print(f"{word}\t{one.name}\t{first}\t{time.monotonic() - begin:.0f} s", flush=True)
    print(f"{len(chosen) - wrong} of {len(chosen)}")
    return 1 if wrong else 0


def tried(one: Mutant, *, sound: bool) -> tuple[int, str]:
    """The exit code of the tests, and which failed first."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        if not sound:
            mutated(source, one)
        words = ["-k", one.word] if one.word else []
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider",
             "-o", "addopts=--strict-markers -q", *files(one.tests), *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(source), "KERAS_BACKEND": one.backend},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode, failed[0].split(" - ")[0] if failed else ""


def files(names: str) -> Sequence[str]:
    """Where the test files of these names are."""
    found = [path for name in names.split() for path in (ROOT / "tests").rglob(name)]
    if len(found) != len(names.split()):
        raise SystemExit(f"{names}: not one file each in tests/")
    return [str(path) for path in found]


def mutated(source: Path, one: Mutant) -> None:
    """Make the fault in the one file that has its text."""
    found = [path for path in source.rglob("*.py") if one.old in path.read_text("utf-8")]
    times = sum(path.read_text("utf-8").count(one.old) for path in found)
    if times != 1:
        raise SystemExit(f"{one.name}: its text is found {times} times; mend it in mutants.py")
    text = found[0].read_text("utf-8")
    found[0].write_text(text.replace(one.old, one.new), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
