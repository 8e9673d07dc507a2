"""Processors that this process may use: by the system, by its control group, by the user's word."""

import math
import os
from pathlib import Path

from xai_heatmap.core.errors import BadOption

VARIABLE = "XAI_HEATMAP_THREADS"
"""Environment variable with the number of threads of onnxruntime."""

GROUPS = Path("/sys/fs/cgroup")
"""Where Linux shows control groups, which containers are made of."""


def threads() -> int | None:
    """Number of threads to compute on, None where nothing limits the process.

    Raises
    ------
    BadOption
        If the variable holds no whole number from 1 on.
    """
    said = os.environ.get(VARIABLE, "").strip()
    if said:
        if not (said.isascii() and said.isdigit() and int(said) > 0):
            raise BadOption(
                f"{VARIABLE} is a number of threads, such as 1; received {said!r}. Leave it out "
                "for as many as this process may use."
            )
        return int(said)
    every = os.cpu_count() or 1
    own = min(allowed(every), paid_for(GROUPS, Path("/proc/self/cgroup")) or every)
    return own if own < every else None


def allowed(every: int) -> int:
    """Number of processors that the system lets this process run on; `every` where none says."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return every if affinity is None else max(len(affinity(0)), 1)


def paid_for(groups: Path, own: Path) -> int | None:
    """Number of processors whose time a control group grants, rounded up; None without a limit.

    Parameters
    ----------
    groups
        Where control groups are shown; the limits of all groups above count too.
    own
        File that names the groups of this process.
    """
    found = [
        quota
        for line in _lines(own)
        for folder, one_file in _folders(groups, line)
        if (quota := _quota(folder, one_file=one_file)) is not None
    ]
    return math.ceil(min(found)) if found else None


def _folders(groups: Path, line: str) -> list[tuple[Path, bool]]:
    """Folders of a group and of those above it, and whether limits stand in one file there."""
    number, controllers, path = (*line.split(":", 2), "", "")[:3]
    if number == "0" and not controllers:
        root, one_file = groups, True
    elif "cpu" in controllers.split(","):
        root, one_file = groups / "cpu", False
    else:
        return []
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [(root.joinpath(*parts[:depth]), one_file) for depth in range(len(parts) + 1)]


def _quota(folder: Path, *, one_file: bool) -> float | None:
    """Processors' worth of time that a group grants; None where it says nothing."""
    if one_file:
        said = " ".join(_lines(folder / "cpu.max")).split()
    else:
        said = [*_lines(folder / "cpu.cfs_quota_us"), *_lines(folder / "cpu.cfs_period_us")]
    try:
        quota, period = map(int, said)
    except ValueError:
        return None  # "max", or no such files
    return quota / period if quota > 0 and period > 0 else None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []
