"""Ratios of processor time: the median of pairs taken in turn."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[[], object]
Row = tuple[str, ...]


def ratio(one: Call, other: Call, pairs: int) -> float:
    """Processor time of a call ÷ that of another: the median of pairs in turn, after two each."""
    for _ in range(2):
        one(), other()
    found = []
    for number in range(pairs):
        order = (one, other) if number % 2 else (other, one)
        taken = {call: seconds(call) for call in order}
        found.append(taken[one] / taken[other])
    return statistics.median(found)


def seconds(call: Call) -> float:
    """Seconds of processor time of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def row(what: str, measured: float, most: float | None, floor: float | None = None) -> Row:
    """Row of the table: what was measured, its floor, the aim, and whether that is reached."""
    below = "" if floor is None else f"{floor:.2f}"
    verdict = "" if most is None else "ok" if measured <= most else "MISSED"
    return what, f"{measured:.2f}", below, "" if most is None else f"{most:g}", verdict


def bare(model: Any, x: np.ndarray) -> Call:
    """A plain pass of a PyTorch model, from numpy to numpy."""
    import torch

    def forward() -> object:
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()

    return forward
