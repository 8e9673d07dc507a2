"""Meter of a run: how far it is, how fast, and whether too many pictures fail."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, TooManyErrors
from xai_heatmap.jobs.events import BatchProgress

OFTEN = 0.2
"""Seconds between two events, at least."""

Listen = Callable[[BatchProgress], object]
"""Callback for how far a run is."""


@dataclass
class Meter:
    """Meter of one call that works on a run.

    Parameters
    ----------
    run
        Folder of the run, as it is named.
    total
        Rows of the run.
    done, errors
        Rows that were finished before, and errors among them.
    most
        Errors that are allowed; None for any number.
    listen
        Is told how far the run is.
    of
        What a row is.
    clock
        Seconds.
    """

    run: str
    total: int
    done: int
    errors: int
    most: int | None
    listen: Listen
    of: str = "picture"
    clock: Callable[[], float] = time.monotonic
    _before: int = field(init=False)
    _start: float = field(init=False)
    _told: float = field(default=-math.inf, init=False)
    _at_work: dict[int, list[int]] = field(default_factory=dict[int, list[int]], init=False)

    def __post_init__(self) -> None:
        self._before, self._start = self.done, self.clock()

    def more(self, shard: int, rows: int, errors: int) -> None:
        """So many rows more of a shard.

        Raises
        ------
        TooManyErrors
            If more pictures fail than are allowed.
        """
        own = self._at_work.setdefault(shard, [0, 0])
        own[0], own[1] = own[0] + rows, own[1] + errors
        self.done, self.errors = self.done + rows, self.errors + errors
        self._tell()
        if self.most is not None and self.errors > self.most:
            raise TooManyErrors(
                f"{self.errors} of {counted(self.done, 'picture')} can't be explained, and "
                "--max-errors "
                f"allows {self.most}. The finished shards stay, this one is not written; "
                "`xai-heatmap batch status RUN` says why. Mend that, or allow more."
            )

    def again(self, shard: int) -> None:
        """A shard starts over: what it had done counts no longer."""
        rows, errors = self._at_work.pop(shard, (0, 0))
        self.done, self.errors = self.done - rows, self.errors - errors

    def finished(self, shard: int) -> None:
        """A shard is finished."""
        self._at_work.pop(shard, None)
        self._tell()

    def tell(self, *, complete: bool = False) -> None:
        """Tell how far the run is, now."""
        spent, made = self.clock() - self._start, self.done - self._before
        rate = made / spent if spent > 0 and made > 0 else None
        left = (self.total - self.done) / rate if rate else None
        self._told = self.clock()
        self.listen(
            BatchProgress(
                run=self.run, done=self.done, total=self.total, of=self.of, errors=self.errors,
                rate=rate, left=left, complete=complete,
            )
        )  # fmt: skip

    def _tell(self) -> None:
        if self.clock() - self._told >= OFTEN:
            self.tell()


def allowed(text: str | None, total: int) -> int | None:
    """Errors that are allowed: a number, or a share of all pictures.

    >>> allowed("1%", 250), allowed("7", 250), allowed(None, 250)
    (2, 7, None)

    Raises
    ------
    BadOption
        For anything else.
    """
    if text is None:
        return None
    number = text.strip().removesuffix("%")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    share = text.strip().endswith("%")
    if not 0 <= value < math.inf or (not share and value != int(value)):
        raise BadOption(f"max-errors is a number such as 100, or a share as 1%; received {text!r}.")
    return int(total * value / 100) if share else int(value)
