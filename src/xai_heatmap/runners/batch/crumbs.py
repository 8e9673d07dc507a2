"""Crumbs: what a shard was doing, so that a picture that ends its process is found afterwards.

A process that is ended leaves its last step in a file, and the next one counts it. Only ends in a
row at one and the same step count: a process that somebody ends at random blames no picture.
"""

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import ModelFailed
from xai_heatmap.sinks.store.parts import whole

BLAMED = 3
"""Processes in a row that one picture ends before it is left out."""

APART = 2
"""Processes in a row that a batch ends before its pictures are tried one by one."""

MOST = 8
"""Processes in a row that one step ends before nothing more is tried."""


@dataclass
class Ended:
    """What is known of the processes that a shard has ended.

    Parameters
    ----------
    step, times
        The last step, and how many processes in a row ended there.
    blamed
        Places in the shard of pictures that end their process.
    apart, alone
        First places of batches whose pictures are tried one by one before they go through
        together, and of those whose pictures never do.
    """

    step: str = ""
    times: int = 0
    blamed: list[int] = field(default_factory=list[int])
    apart: list[int] = field(default_factory=list[int])
    alone: list[int] = field(default_factory=list[int])

    def at(self, step: str) -> None:
        """One more process ended at that step."""
        self.step, self.times = step, self.times + 1 if step == self.step else 1
        kind, _, place = step.partition(" ")
        lists = {"read": self.blamed, "one": self.blamed, "batch": self.apart, "again": self.alone}
        needed = {"read": BLAMED, "one": BLAMED, "batch": APART, "again": APART}
        if kind in lists and self.times >= needed[kind]:
            lists[kind].append(int(place))
            self.step, self.times = "", 0


@dataclass
class Crumbs:
    """Steps of one shard.

    Parameters
    ----------
    folder, shard
        Where the files lie, and of which shard.
    ended
        What is known of processes that were ended; None where none was.
    """

    folder: Path
    shard: int
    ended: Ended | None = None

    @property
    def trail(self) -> Path:
        """File of the steps of the process that is at work."""
        return self.folder / f"{self.shard:05d}.trail"

    @property
    def known(self) -> Path:
        """File of the processes that were ended."""
        return self.folder / f"{self.shard:05d}.ended.json"

    @classmethod
    def found(cls, folder: Path, shard: int) -> "Crumbs":
        """The crumbs of a shard, with whatever a process before this one left.

        Raises
        ------
        ModelFailed
            If one step ends every process.
        """
        crumbs = cls(folder, shard)
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
            crumbs.ended = Ended(**json.loads(crumbs.known.read_text("utf-8")))
        with contextlib.suppress(FileNotFoundError):
            steps = crumbs.trail.read_text("utf-8").split("\n")[:-1]
            ended = crumbs.ended = crumbs.ended or Ended()
            ended.at(steps[-1] if steps else "begin")
            whole(crumbs.known, lambda file: file.write(json.dumps(asdict(ended)).encode()))
            crumbs.trail.unlink()
            if ended.times >= MOST:
                raise ModelFailed(
                    f"Shard {shard} has ended {counted(ended.times, 'process')} in a row "
                    "at the step "
                    f"{ended.step!r}, which is no single picture's fault. There may be too little "
                    "memory: begin another run with a smaller --batch."
                )
        return crumbs

    @property
    def careful(self) -> bool:
        """Whether every step is noted down: only where a process was ended before."""
        return self.ended is not None

    def blamed(self, place: int) -> bool:
        """Whether the picture at that place of the shard ends its process."""
        return self.ended is not None and place in self.ended.blamed

    def apart(self, first: int) -> bool:
        """Whether pictures are tried one by one before they go through together."""
        return self.ended is not None and first in self.ended.apart

    def alone(self, first: int) -> bool:
        """Whether pictures go through one by one, and never together."""
        return self.ended is not None and first in self.ended.alone

    def begin(self) -> None:
        """A process is at work from now on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.trail.write_text("begin\n", encoding="utf-8")

    def step(self, kind: str, place: int) -> None:
        """Note what comes next, where that is wanted."""
        if self.careful:
            with self.trail.open("a", encoding="utf-8") as file:
                file.write(f"{kind} {place}\n")

    def leave(self) -> None:
        """The process ends this shard by itself, finished or not."""
        self.trail.unlink(missing_ok=True)

    def finish(self) -> None:
        """The shard is finished."""
        self.leave()
        self.known.unlink(missing_ok=True)


def left(folder: Path) -> list[int]:
    """Shards at which a process was ended."""
    with contextlib.suppress(FileNotFoundError):
        found = {path.name[:5] for path in folder.iterdir() if path.name[:5].isdecimal()}
        return sorted(map(int, found))
    return []
