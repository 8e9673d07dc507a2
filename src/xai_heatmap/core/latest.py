"""A slot that holds the latest of what was put into it, so that a slow reader never lags behind."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """One writer, one reader, one place; what was not taken in time is overwritten."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: list[T] = []
        self._closed = False
        self._failure: BaseException | None = None

    def put(self, value: T) -> bool:
        """Lay down the newest value; False once the slot is closed."""
        with self._changed:
            if self._closed:
                return False
            self._held = [value]
            self._changed.notify_all()
            return True

    def close(self, failure: BaseException | None = None) -> None:
        """Close the slot: nothing more comes, and a value that lies there can still be taken."""
        with self._changed:
            self._closed = True
            self._failure = self._failure or failure
            self._changed.notify_all()

    def take(self) -> list[T]:
        """The newest value, as a list of one, as soon as there is one; an empty list at the end.

        A failure that the slot was closed with is raised here, after the last value.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._held or self._closed)
            taken, self._held = self._held, []
            if not taken and self._failure is not None:
                raise self._failure
            return taken
