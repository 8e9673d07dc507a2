"""What ran, without saying whose machine it was."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path


def line(details: Sequence[str]) -> str:
    """Processor, cores, and versions."""
    parts = [
        _processor(),
        f"{os.cpu_count()} cores",
        platform.system(),
        f"Python {platform.python_version()}",
        f"NumPy {version('numpy')}",
        f"xai-heatmap {version('xai-heatmap')}",
        *dict.fromkeys(details),
    ]
    return ", ".join(parts)


def _processor() -> str:
    """As Linux calls it, which says more than `platform`."""
    information = Path("/proc/cpuinfo")
    if sys.platform == "linux" and information.is_file():
        for row in information.read_text().splitlines():
            if row.startswith("model name"):
                return row.partition(":")[2].strip()
    return platform.processor() or platform.machine()
