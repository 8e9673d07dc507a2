"""The working directory, put back after somebody else's code ran."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def same_folder() -> Iterator[None]:
    """Context manager that puts the working directory back afterwards."""
    try:
        folder = os.getcwd()  # noqa: PTH109 - what chdir takes
    except FileNotFoundError:  # it was removed under our feet
        folder = None
    try:
        yield
    finally:
        if folder is not None:
            os.chdir(folder)
