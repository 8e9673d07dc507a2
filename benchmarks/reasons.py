"""Why something did not run, in one line that names no folder of this machine."""

import sys
from pathlib import Path

from benchmarks.networks import ROOT, NoReference


def reason(error: BaseException) -> str:
    """Kind and first line of an error; of our own, the line alone."""
    if isinstance(error, NoReference | NotImplementedError):
        return str(error)
    lines = str(error).strip().splitlines()
    return without_folders(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)


def without_folders(text: str) -> str:
    """The text with the folders of this machine left out."""
    for folder in (sys.prefix, sys.base_prefix, ROOT, ROOT.parent, Path.home()):
        if len(str(folder)) > 1:
            text = text.replace(str(folder), "…")
    return text
