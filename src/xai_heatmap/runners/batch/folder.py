"""Folder of a run: its settings, its plan, its parts, and the lock of whoever works on it."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xai_heatmap.core.errors import BadOption, OutputError
from xai_heatmap.core.plain import plain
from xai_heatmap.runners.batch.plan import NAME, Plan
from xai_heatmap.sinks.store.parts import ROWS, counts, whole

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FORMAT = 1
"""Version of what lies in the folder; another one is not read."""

RUN, LOCK, WORK = "run.json", ".lock", "work"


@dataclass(frozen=True)
class RunFolder:
    """Folder of a run that was begun.

    Parameters
    ----------
    path
        The folder.
    facts
        What ``run.json`` says: settings, digest of the plan, network, names of the classes.
    """

    path: Path
    facts: Mapping[str, Any]

    @property
    def plan(self) -> Plan:
        """Plan of the run."""
        return Plan(self.path / NAME, self.facts["pictures"], self.facts["shard"])

    @property
    def fingerprint(self) -> str:
        """Twelve digits that stand for the settings and the plan; every part is named by them."""
        return str(self.facts["fingerprint"])

    def part(self, shard: int) -> Path:
        """Path of a shard's part."""
        return self.path / ROWS / f"part-{shard:05d}-{self.fingerprint}.parquet"

    def parts(self) -> list[Path]:
        """Paths of the parts that are there, in the order of the shards."""
        return [self.part(shard) for shard in self.done()]

    def done(self) -> list[int]:
        """Numbers of the shards that are finished, by the names of the parts alone."""
        found = set[str]()
        with contextlib.suppress(FileNotFoundError):
            found = set(os.listdir(self.path / ROWS))  # noqa: PTH208 - names are enough
        return [n for n in range(self.plan.shards) if self.part(n).name in found]

    def counts(self) -> tuple[int, int]:
        """Rows that are finished, and errors among them."""
        each = [counts(part) for part in self.parts()]
        return sum(rows for rows, _ in each), sum(errors for _, errors in each)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """A block in which no other process works on the run in a folder, which is made if need be.

    Raises
    ------
    OutputError
        If one does, or the folder can't be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        handle = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(
            f"The run {str(path)!r} can't be written to: {error.strerror or error}. Choose another "
            "--out, or change its permissions."
        ) from error
    try:
        if fcntl is not None:
            _locked(handle, path)
            os.truncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(handle)


def _locked(handle: int, path: Path) -> None:
    assert fcntl is not None  # noqa: S101 - asked for before
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = os.pread(handle, 64, 0).decode(errors="replace").strip()
        raise OutputError(
            f"Another process ({who or 'unknown'}) works on the run {str(path)!r}. Wait for it, or "
            "choose another --out."
        ) from None
    except OSError:  # some network file systems know no locks
        return


def fingerprint(settings: Mapping[str, object], plan: str) -> str:
    """Twelve digits that stand for settings and plan."""
    said = json.dumps([settings, plan], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def write_run(path: Path, facts: Mapping[str, object]) -> RunFolder:
    """Write ``run.json``, the last file that makes a folder a run.

    Raises
    ------
    OutputError
        Where that is not possible.
    """
    said = plain({"format": FORMAT, **facts})
    text = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
    whole(path / RUN, lambda file: file.write(text.encode()))
    return RunFolder(path, said)


def read_run(path: str | os.PathLike[str]) -> RunFolder:
    """The run in a folder.

    Raises
    ------
    OutputError
        If there is none, or one of another version.
    """
    folder = Path(path)
    try:
        said = json.loads((folder / RUN).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise OutputError(
            f"{str(folder)!r} is no run: it has no {RUN}. `xai-heatmap batch SRC --model M --out "
            "RUN` makes one."
        ) from None
    except (OSError, ValueError) as error:
        raise OutputError(f"{str(folder / RUN)!r} can't be read: {error}.") from error
    made = said.get("format") if isinstance(said, dict) else None
    if made != FORMAT:
        raise OutputError(
            f"The run {str(folder)!r} has the format {made!r}, and this version of xai-heatmap "
            f"reads {FORMAT}. Choose another --out, or read it with the version that made it."
        )
    return RunFolder(folder, said)


def is_run(path: Path) -> bool:
    """Whether a folder is that of a run; one that is not there, or empty, may become one.

    Raises
    ------
    OutputError
        For a folder that holds something else.
    """
    if (path / RUN).exists():
        return True
    try:
        names = os.listdir(path)  # noqa: PTH208 - names are enough
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise OutputError(f"A run is a folder; {str(path)!r} is a file.") from None
    others = [name for name in names if name not in (NAME, LOCK) and not name.endswith(".tmp")]
    if others:
        raise OutputError(
            f"The folder {str(path)!r} holds something that is no run: {min(others)!r}. Choose "
            "another --out."
        )
    return False


def _said(setting: object) -> str:
    """A setting in a message; one that nobody said is the usual."""
    if setting is None or setting == []:
        return "the usual"
    return ", ".join(map(repr, setting)) if isinstance(setting, list) else repr(setting)


def check_same(run: RunFolder, settings: Mapping[str, object]) -> None:
    """Refuse to go on with a run that was asked something else.

    Raises
    ------
    BadOption
        With every setting that differs.
    """
    then, now = run.facts["settings"], plain(dict(settings))
    other = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    if not other:
        return
    told = [f"{name} was {_said(then.get(name))} and is {_said(now.get(name))}" for name in other]
    raise BadOption(
        f"The run {str(run.path)!r} was asked something else: {'; '.join(told)}. Rows of two kinds "
        "never mix: choose another --out, or say what it was begun with."
    )
