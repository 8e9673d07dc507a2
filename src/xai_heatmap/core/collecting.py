"""Garbage that is looked for later: while objects are made that stay."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Generator[None]:
    """Within the block nobody looks for garbage; whether that is done afterwards is as it was.

    A look goes through all that the frameworks of a process have made, a tenth of a second with
    PyTorch. Who makes thousands of objects that stay has it done for nothing.

    >>> import gc
    >>> from xai_heatmap.core.collecting import uncollected
    >>> with uncollected():
    ...     gc.isenabled()
    False
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
