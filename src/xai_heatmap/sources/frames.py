"""Frames: pictures that come one after the other, each with a key to resume by."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Frame:
    """One picture of a source, not read yet: one that can't be read is refused at its own place.

    Parameters
    ----------
    key
        By which a run that was stopped goes on: the same in every run over the same source, and
        another for every picture of it.
    name
        What its results are called.
    path
        Where it lies, as it was named.
    """

    key: str
    name: str
    path: str


def pictures(paths: Sequence[str], *, done: Collection[str] = ()) -> Iterator[Frame]:
    """A frame for each path, in order, but for those whose keys are done.

    The key is the path; where a path is named several times, the further ones get a number.
    """
    times: Counter[str] = Counter()
    for path, name in zip(paths, titles(paths), strict=True):
        times[path] += 1
        key = path if times[path] == 1 else f"{path}#{times[path]}"
        if key not in done:
            yield Frame(key, name, path)


def titles(images: Sequence[str]) -> list[str]:
    """File names; where several would be saved under one name, the whole path in one word, and
    where even these are alike, a few digits of the path's hash as well. One path has one title.
    """
    paths = {image: Path(image) for image in images}
    several = Counter(path.stem for path in paths.values())
    words = {
        image: path.name
        if several[path.stem] == 1
        else re.sub(r"[./\\:]+", "_", str(path)).strip("_")
        for image, path in paths.items()
    }
    alike = Counter(words.values())
    return [
        words[image] if alike[words[image]] == 1 else f"{words[image]}-{_digits(image)}"
        for image in images
    ]


def _digits(path: str) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
