"""Turns: a lock that is given to whoever has waited longest."""

import threading
from collections import deque
from types import TracebackType


class Turns:
    """Lock in order of arrival: work that gives its turn up between passes is not first again."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._held = False

    def __enter__(self) -> None:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            self._changed.wait_for(lambda: not self._held and self._waiting[0] is ticket)
            self._waiting.popleft()
            self._held = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def give_way(self) -> None:
        """Let those who wait have their turn; only the holder may call it."""
        with self._changed:
            if not self._waiting:
                return
        self.__exit__(None, None, None)
        self.__enter__()
