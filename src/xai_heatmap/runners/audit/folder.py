"""Folder of an audit: what was asked, a file for each finished picture and each drawn network."""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from xai_heatmap.core.errors import OutputError
from xai_heatmap.core.plain import plain
from xai_heatmap.runners.batch.folder import LOCK, RUN, fingerprint
from xai_heatmap.sinks.store.parts import whole
from xai_heatmap.sources.listing.entry import Entry

FORMAT = 1
"""Version of what lies in the folder; another one is not read."""

WORK, PAGE, DOCUMENT = "work", "audit.html", "audit.json"


@dataclass(frozen=True)
class AuditFolder:
    """Folder of an audit that was begun.

    Parameters
    ----------
    path
        The folder.
    facts
        What ``run.json`` says: settings, pictures, which of them are looked at closer.
    """

    path: Path
    facts: Mapping[str, Any]

    @property
    def entries(self) -> list[Entry]:
        """The pictures, in their order."""
        return [Entry(**one) for one in self.facts["entries"]]

    @property
    def closer(self) -> list[int]:
        """Numbers of the pictures that are looked at closer."""
        return list(self.facts["closer"])

    def file(self, name: str) -> Path:
        """Path of a finished unit of work; its name stands for all settings, too."""
        return self.path / WORK / f"{name}-{self.facts['fingerprint']}.json"

    def picture(self, number: int) -> Path:
        """Path of a finished picture."""
        return self.file(f"picture-{number:06d}")

    def done(self) -> set[str]:
        """Names of the finished files; what is not there is to do."""
        with contextlib.suppress(FileNotFoundError):
            return set(os.listdir(self.path / WORK))  # noqa: PTH208 - names are enough
        return set()


def write_json(path: Path, facts: Mapping[str, Any]) -> Path:
    """Write a file that is there whole, or not at all.

    Raises
    ------
    OutputError
        Where that is not possible.
    """
    text = json.dumps(plain(dict(facts)), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    return whole(path, lambda file: file.write(text.encode()))


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote.

    Raises
    ------
    OutputError
        For a file that is not there or was damaged.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{str(path)!r} can't be read: {error}. Move it away, and run the same command again: "
            "what it held is then done anew."
        ) from error
    return found


def found_in(path: Path) -> AuditFolder | None:
    """The audit that was begun in a folder; None where there is none yet.

    Raises
    ------
    OutputError
        For a folder that holds something else.
    """
    if (path / RUN).exists():
        facts = read_json(path / RUN)
        if facts.get("kind") != "audit" or facts.get("format") != FORMAT:
            raise OutputError(
                f"The folder {str(path)!r} holds a run that is no audit, or one of another "
                "version. Choose another --out."
            )
        return AuditFolder(path, facts)
    if path.exists() and not path.is_dir():
        raise OutputError(f"An audit writes into a folder; {str(path)!r} is a file.")
    names = os.listdir(path) if path.exists() else []  # noqa: PTH208 - names are enough
    others = [name for name in names if name != LOCK and not name.endswith(".tmp")]
    if others:
        raise OutputError(
            f"The folder {str(path)!r} holds something that is no audit: {min(others)!r}. Choose "
            "another --out."
        )
    return None


def begin(
    path: Path,
    entries: Sequence[Entry],
    closer: Sequence[int],
    settings: Mapping[str, object],
    more: Mapping[str, object],
) -> AuditFolder:
    """Write ``run.json``, the file that makes a folder an audit."""
    listed = [asdict(one) for one in entries]
    facts = {
        "format": FORMAT,
        "kind": "audit",
        "fingerprint": fingerprint(settings, json.dumps(listed)),
        "settings": dict(settings),
        **more,
        "closer": list(closer),
        "entries": listed,
    }
    write_json(path / RUN, facts)
    return AuditFolder(path, plain(facts))


def evenly(count: int, most: int) -> list[int]:
    """At most so many of so many places, evenly.

    >>> evenly(10, 4), evenly(3, 5)
    ([0, 2, 5, 7], [0, 1, 2])
    """
    return [count * part // most for part in range(most)] if count > most else list(range(count))
