"""What every backend has to hold of files: one that is damaged is an error in words, or still a
model, and never the end of the process in a framework's own words.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, runtime_checkable

import numpy as np

import xai_heatmap as xh
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.testing.conformance.kit import SHAPE, checks_of, images

FLIPS = 12
"""Files with some bytes changed that are tried."""


@runtime_checkable
class Files(Protocol):
    """A model as a file."""

    suffix: str

    def written(self) -> bytes:
        """Content of the file."""
        ...


def damaged(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """Files that end early, hold something else, or have a few bytes changed; with how."""
    for share in (0, 0.01, 0.5, 0.9):
        yield f"cut off at {share:.0%}", whole[: int(share * len(whole))]
    yield "text", b"hello, this is text"
    yield "a picture", b"\x89PNG\r\n\x1a\n" + bytes(64)
    random = np.random.default_rng(0)
    for number in range(FLIPS):
        own = bytearray(whole)
        for place in random.integers(0, len(own), size=4 + number):
            own[int(place)] = int(random.integers(256))
        yield f"bytes changed, {number}", bytes(own)


def opened(path: Path) -> Any:
    """Scores of the model in a file; what this raises is what a user would see."""
    return xh.network(path, image_shape=SHAPE).record(images(1)).scores


def a_damaged_file_is_refused_in_words(kit: Files) -> None:
    """A file that is cut off or no model is an error of the package; one with changed bytes is that
    too, or gives scores.
    """
    whole = kit.written()
    with TemporaryDirectory() as folder:
        for number, (how, content) in enumerate(damaged(whole)):
            path = Path(folder, f"{number}{kit.suffix}")
            path.write_bytes(content)
            try:
                scores = opened(path)
            except XaiHeatmapError:
                continue
            except Exception as error:
                raise AssertionError(f"{how}: {type(error).__name__}: {error}") from error
            assert how.startswith("bytes changed"), f"{how}: opened, with {scores.shape}"


CHECKS = checks_of(globals())
