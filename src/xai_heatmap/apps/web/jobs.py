"""Jobs: dear questions in threads of their own, told of as they go on, which can be cancelled."""

import asyncio
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from xai_heatmap.apps.web.answers import failure, told
from xai_heatmap.apps.web.threads import Threads
from xai_heatmap.core.errors import BadOption, Busy
from xai_heatmap.core.plain import facts_of
from xai_heatmap.runners.looking.watched import Watch

OFTEN = 0.1
"""Seconds between two events of progress, at least."""

SHOWN = 0.7
"""Seconds between two maps of a job that is not done, at least."""

BEAT = 15.0
"""Seconds after which a silent line gets a sign of life."""

ALONE = 60.0
"""Seconds after which a job that nobody listens to is cancelled."""

KEPT = 64
"""Jobs that are remembered."""

Work = Callable[["Job"], str]
"""From a job, which it tells of its progress, to the address of its result."""


class Cancelled(BaseException):
    """Nobody wants the result any more."""


@dataclass(eq=False)
class Job:
    """One piece of work.

    Parameters
    ----------
    key
        By which a page asks for it.
    loop
        Of the server.
    total
        Pictures that are expected to go through the network; None where nobody knows.
    state
        What there is to tell: progress, and in the end a result or why there is none.
    version
        Which state it is, counted.
    """

    key: str
    loop: asyncio.AbstractEventLoop
    total: int | None = None
    words: str = "waiting"
    cancelled: bool = False
    listeners: int = 0
    state: tuple[str, dict[str, Any]] = ("progress", {"done": 0, "total": None, "words": "waiting"})
    version: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    watch: Watch = field(default_factory=Watch)
    task: "asyncio.Future[None] | None" = None
    _said: float = 0.0
    _shown: float = 0.0
    _alone: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self.watch.tell = self._tell

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        return self.state[0] != "progress"

    def begin(self, words: str) -> None:
        """Say what is at work; in the job's thread."""
        self.words, self._said = words, 0.0
        self._tell(self.watch)

    def hear(self, made: Callable[[], Mapping[str, Any]]) -> None:
        """Tell of the map as it stands, now and then; in the job's thread."""
        now = time.monotonic()
        if now - self._shown < SHOWN or self.cancelled or not self.listeners:
            return
        self._shown = now
        self._put(self.watch, {"map": made()})

    def _tell(self, watch: Watch) -> None:
        if self.cancelled:
            raise Cancelled
        now = time.monotonic()
        if now - self._said < OFTEN:
            return
        self._said = now
        self._put(watch, {})

    def _put(self, watch: Watch, more: Mapping[str, Any]) -> None:
        """Put how far it is in place of what was told last."""
        done = watch.pictures
        total = self.total if self.total is not None and self.total >= done else None
        said = {"done": done, "total": total, "words": self.words, **more}
        self.loop.call_soon_threadsafe(self.tell, "progress", said)

    def tell(self, kind: str, facts: dict[str, Any]) -> None:
        """Put a new state in place of the last, and wake whoever listens; in the loop."""
        if self.over:
            return
        self.state, self.version = (kind, facts), self.version + 1
        waking = asyncio.ensure_future(self._wake(), loop=self.loop)
        waking.add_done_callback(lambda done: done.exception())

    async def _wake(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def cancel(self) -> None:
        """End it at the next pass."""
        self.cancelled = True
        self.tell("failed", {"code": "cancelled", "message": "Cancelled.", "hint": ""})

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events: the state that there is, and each newer one, until it is over."""
        self.listeners += 1
        if self._alone is not None:
            self._alone.cancel()
        seen = -1
        try:
            while True:
                if self.version == seen and not await self._newer(seen):
                    yield ": still here\n\n"
                    continue
                seen, (kind, facts) = self.version, self.state
                yield _event(kind, facts)
                # The end may come while a line is on its way: only a told end closes the stream.
                if kind != "progress":
                    return
        finally:
            self.listeners -= 1
            if not self.listeners and not self.over:
                self._alone = self.loop.call_later(ALONE, self._given_up)

    async def _newer(self, seen: int) -> bool:
        """Whether there is another state, before the line has been silent for long."""
        try:
            async with self.changed:
                changed = self.changed.wait_for(lambda: self.version != seen)
                await asyncio.wait_for(changed, BEAT)
        except TimeoutError:
            return False
        return True

    def _given_up(self) -> None:
        if not self.listeners:
            self.cancel()


def _event(kind: str, facts: dict[str, Any]) -> str:
    text = json.dumps(facts_of(facts), ensure_ascii=False, allow_nan=False)
    return f"event: {kind}\ndata: {text}\n\n"


@dataclass(eq=False)
class Jobs:
    """All jobs, two at a time."""

    threads: Threads = field(default_factory=lambda: Threads("The server", count=2, waiting=16))
    jobs: OrderedDict[str, Job] = field(default_factory=OrderedDict[str, Job])

    def start(self, work: Work, total: int | None = None) -> Job:
        """A job that begins as soon as a thread is free.

        Raises
        ------
        Busy
            If too many wait already.
        """
        if self.threads.full:
            raise Busy("Too many jobs wait already. Cancel one, or try again in a moment.")
        job = Job(secrets.token_hex(8), asyncio.get_running_loop(), total)
        self.jobs[job.key] = job
        while len(self.jobs) > KEPT:
            self.jobs.popitem(last=False)[1].cancel()
        job.task = asyncio.ensure_future(self._run(job, work))
        return job

    async def _run(self, job: Job, work: Work) -> None:
        try:
            url = await self.threads(partial(_worked, job, work))
        except Cancelled:
            return
        except Exception as error:  # noqa: BLE001 - it is the job's result
            told("job", error)
            job.tell("failed", failure(error))
        else:
            job.tell("result", {"url": url})

    def get(self, key: str) -> Job:
        """The job of that key.

        Raises
        ------
        BadOption
            If there is none.
        """
        if key not in self.jobs:
            raise BadOption("There is no such job: it is long over, or the server is a new one.")
        return self.jobs[key]


def _worked(job: Job, work: Work) -> str:
    if job.cancelled:
        raise Cancelled
    return work(job)
