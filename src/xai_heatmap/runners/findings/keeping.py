"""Finished classes, kept in the folder of a run, so that findings go on where they were stopped."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from xai_heatmap.core.errors import OutputError
from xai_heatmap.runners.batch.folder import RunFolder
from xai_heatmap.runners.findings.examining import Examined
from xai_heatmap.sinks.store.parts import whole

FORMAT = 1
"""Version of what is kept; another one is made again."""

FOLDER = "findings"
"""Folder of the findings in that of a run."""


class Kept:
    """Finished classes of one run; where its folder can't be written to, nothing is kept.

    Parameters
    ----------
    run
        Which.
    asked
        Whatever else decides what is found: what was kept for something else is not read.
    """

    def __init__(self, run: RunFolder, asked: Sequence[object]) -> None:
        said = json.dumps([FORMAT, run.fingerprint, *asked])
        self.digest = hashlib.sha256(said.encode()).hexdigest()[:12]
        self.folder = run.path / FOLDER / "classes"

    def read(self, index: int) -> Examined | None:
        """A class that is finished; None where it is not."""
        try:
            return Examined.of(json.loads(self._path(index).read_text("utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, one: Examined) -> None:
        """Keep a class."""
        text = json.dumps(one.facts()).encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            whole(self._path(one.index), lambda file: file.write(text))
        except (OSError, OutputError):
            return

    def _path(self, index: int) -> Path:
        return self.folder / f"{index:05d}-{self.digest}.json"
