"""Files beside the rows of a run: a picture with its heat, a map of numpy."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import OutputError
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.sinks.folder import safe_stem
from xai_heatmap.sinks.staging import replaced

FOLDERS = 2
"""Digits of the folder that a file lies in: 256 folders, so that none grows too large."""


@dataclass(frozen=True)
class Drawing:
    """Writer of files beside the rows.

    Parameters
    ----------
    folder
        That of the run; files go to ``png/`` and ``npz/`` in it.
    png, npz
        Which are written.
    draw
        How a picture is drawn with its heat.
    caption
        Whether a line below it says what is shown.
    """

    folder: Path
    png: bool
    npz: bool
    draw: Callable[[Explanation], Image]
    caption: bool = True

    def __call__(self, name: str, one: Explanation) -> None:
        """Write what is wanted of one picture; a shard that is done again writes the same files.

        Raises
        ------
        OutputError
            Where that is not possible.
        """
        if self.png:
            shown = self.draw(one)
            shown = one.captioned(shown) if self.caption else shown
            self._write("png", name, lambda file: PIL.Image.fromarray(shown).save(file, "png"))
        if self.npz:
            self._write("npz", name, lambda file: np.savez_compressed(file, map=one.map))

    def path(self, kind: str, name: str) -> Path:
        """Path of a picture's file; its folder is said by the id's digest."""
        digest = hashlib.sha256(name.encode()).hexdigest()[:FOLDERS]
        return self.folder / kind / digest / f"{safe_stem(name)}.{kind}"

    def _write(self, kind: str, name: str, write: Callable[..., object]) -> None:
        path = self.path(kind, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replaced(path, write)
        except OSError as error:
            raise OutputError(
                f"{str(path)!r} can't be written: {error.strerror or error}. Mend that, and run "
                "the same command again: what is finished stays."
            ) from error
