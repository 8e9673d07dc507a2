"""Calls measured against a bare one: side by side, in random order, each as in its own loop."""

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

Call = Callable[[], object]

QUICK, SLOW = 0.5, 3.0
"""Seconds; a shorter call is led by one of its own kind that is not timed; one that takes longer
than the second needs no second call to be warm.
"""


@dataclass(frozen=True)
class Plan:
    """How often everything is measured.

    Parameters
    ----------
    least, most
        Rounds; in between, until `seconds` are over.
    seed
        Of the order within a round.
    synchronise
        Waits for what the device still has to do.
    """

    least: int
    most: int
    seconds: float
    seed: int = 0
    synchronise: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True)
class Pairs:
    """Seconds of a call, and of the bare call that was measured next to it, round by round."""

    seconds: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        """The shortest of all rounds."""
        return min(self.seconds)

    @property
    def best_bare(self) -> float:
        """The shortest bare call of all rounds."""
        return min(self.bare)

    @property
    def best_ratio(self) -> float:
        """Shortest ÷ shortest: what disturbs a machine only ever adds."""
        return self.best / self.best_bare

    @property
    def median_ratio(self) -> float:
        """The median of the rounds' own ratios: what one sees on a day like this."""
        return statistics.median(a / b for a, b in zip(self.seconds, self.bare, strict=True))


def paired(bare: Call, calls: Mapping[str, Call], plan: Plan) -> dict[str, Pairs]:
    """Every call against `bare`, in one run.

    A round visits the calls in random order, and measures each next to a bare call of its own, in
    random order too. A quick call is led by one of its kind that is not timed: threads that another
    library left spinning slow neither, and those that a call leaves to itself do, as in a loop.
    """
    lengths = {call: _warmed(call) for call in (bare, *calls.values())}
    found = {name: Pairs() for name in calls}
    order = random.Random(plan.seed)  # noqa: S311 - no secret
    begun = time.perf_counter()

    def measured(call: Call) -> float:
        gc.collect()
        if lengths[call] < QUICK:
            call()
        plan.synchronise()
        start = time.perf_counter()
        call()
        plan.synchronise()
        return time.perf_counter() - start

    with _no_collection():
        for done in range(plan.most):
            if done >= plan.least and time.perf_counter() - begun > plan.seconds:
                break
            for name in order.sample(list(calls), len(calls)):
                one = [(found[name].bare, bare), (found[name].seconds, calls[name])]
                for times, call in order.sample(one, 2):
                    times.append(measured(call))
    return found


def repeated(call: Call, times: int) -> list[float]:
    """Seconds of one call alone, after a warm-up."""
    _warmed(call)
    seconds = []
    with _no_collection():
        for _ in range(times):
            gc.collect()
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
    return seconds


def _warmed(call: Call) -> float:
    """Seconds of the second call; the first one compiles and allocates, which a slow call hides."""
    for _ in range(2):
        start = time.perf_counter()
        call()
        if (length := time.perf_counter() - start) > SLOW:
            break
    return length


@contextmanager
def _no_collection() -> Iterator[None]:
    """Garbage is collected between the calls and not within; what is there already is left out."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
