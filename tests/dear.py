"""Which tests are left to `make test` for what they cost: of one in eight of the fast tests comes
three quarters of what all of them cost.

Their names stand in `tests/dear.txt`, written by ``pytest --fast --budget write``. What is new is
fast until it is written there; a name of no test does nothing.
"""

from collections.abc import Mapping
from pathlib import Path

DEAR = 0.05
"""Processor seconds above which a test is left to `make test`."""

WRITTEN = Path(__file__).with_name("dear.txt")


def dear() -> set[str]:
    """Names as pytest gives them."""
    return set(WRITTEN.read_text("utf-8").splitlines())


def written(found: Mapping[str, tuple[float, bool]]) -> str:
    """Names, one a line, in order: those that cost too much now, and the former ones that were not
    run, which is all of them with ``--fast``. The first test of a file pays for what all of them
    use, so that it is no measure.

    Parameters
    ----------
    found
        By test, in the order of running, what it cost and whether it is marked slow.
    """
    first = {name.partition("::")[0]: name for name in reversed(found)}
    now = {
        name
        for name, (cost, slow) in found.items()
        if cost > DEAR and not slow and name != first[name.partition("::")[0]]
    }
    return "".join(f"{name}\n" for name in sorted(now | (dear() - set(found))))
