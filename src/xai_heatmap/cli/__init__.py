"""The command line: it writes jobs and shows results; no algorithm lives here."""

from xai_heatmap.cli.entry import main

__all__ = ["main"]
