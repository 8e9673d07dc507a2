"""Batches that make themselves smaller where memory runs out."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

KINDS = frozenset({"MemoryError", "OutOfMemoryError", "ResourceExhaustedError"})
SAYINGS = re.compile(
    r"out of memory|can't allocate memory|failed to allocate memory|RESOURCE_EXHAUSTED"
    r"|std::bad_alloc|unable to allocate",
    re.IGNORECASE,
)
"""Words of Python, numpy, PyTorch, TensorFlow, JAX and onnxruntime for memory that ran out."""


def out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, says that memory ran out."""
    while error is not None:
        if type(error).__name__ in KINDS or SAYINGS.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def halved(run: Callable[[Sequence[Item]], Answer], items: Sequence[Item]) -> list[Answer]:
    """The answers for all items in order: at once, or in ever smaller portions that fit.

    Raises
    ------
    Exception
        What `run` raises for other reasons, or for a single item.
    """
    try:
        return [run(items)]
    except Exception as error:
        if len(items) < 2 or not out_of_memory(error):
            raise
    # Outside of the clause above, where the error still holds what the failed run had allocated.
    half = len(items) // 2
    return halved(run, items[:half]) + halved(run, items[half:])
