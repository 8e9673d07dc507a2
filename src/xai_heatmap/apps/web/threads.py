"""Work in threads of one's own, which end with the process: nobody waits for one that hangs."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import Busy

T = TypeVar("T")

_WORKING: set[int] = set()
"""Threads that are at work just now, by their numbers."""

_COUNTING = threading.Lock()


def at_work() -> bool:
    """Whether a thread computes: one inside of a C++ library aborts an interpreter that ends."""
    return bool(_WORKING)


class Threads:
    """So many threads that take work in order.

    Parameters
    ----------
    name
        What they are for, in words.
    count
        How many.
    waiting
        How much work may wait, at most.
    """

    def __init__(self, name: str, *, count: int = 1, waiting: int = 16) -> None:
        self.name, self.count, self.waiting = name, count, waiting
        self._work: queue.SimpleQueue[tuple[Any, Callable[[], Any], Any]] = queue.SimpleQueue()
        self._open = 0
        self._busy = 0
        for number in range(count):
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    async def __call__(self, work: Callable[[], T], *, patience: float | None = None) -> T:
        """What the work gives.

        Raises
        ------
        Busy
            If too much waits already, or it takes longer than `patience` seconds; it is not ended.
        """
        if self.full:
            raise Busy(
                f"{self.name} has {counted(self._open, 'thing')} to do already. Try again "
                "in a moment."
            )
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._open += 1
        future.add_done_callback(self._done)
        self._work.put((loop, work, future))
        try:
            return await asyncio.wait_for(asyncio.shield(future), patience)
        except TimeoutError:
            raise Busy(
                f"{self.name} has been at work for {patience:g} seconds and is not done. It may "
                "hang; what waits behind it goes on when it ends. Start the server anew if not."
            ) from None

    def end(self, last: Callable[[], Any]) -> None:
        """Let the threads end behind what they do, and one of them do a last thing."""
        for number in range(self.count):
            self._work.put((None, last if not number else lambda: None, None))

    @property
    def busy(self) -> bool:
        """Whether any of the threads computes."""
        return self._busy > 0

    @property
    def full(self) -> bool:
        """Whether no more work may wait."""
        return self._open >= self.waiting

    def _done(self, _: object) -> None:
        self._open -= 1

    def _at_work(self, more: int) -> None:
        with _COUNTING:
            self._busy += more

    def _run(self) -> None:
        while True:
            loop, work, future = self._work.get()
            _WORKING.add(threading.get_ident())
            self._at_work(1)
            try:
                made, error = work(), None
            except BaseException as failed:  # noqa: BLE001 - it is raised where it is waited for
                made, error = None, failed
            finally:
                _WORKING.discard(threading.get_ident())
                self._at_work(-1)
            if loop is None:
                return
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, future, made, error)
            del future, made, error


def _settle(future: "asyncio.Future[Any]", made: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
        future.exception()  # asked for, so that nobody warns where the waiting was given up
    else:
        future.set_result(made)
