"""The command line: it writes jobs and shows results; no algorithm lives here."""

from xai_heatmap.apps.cli.entry import main

__all__ = ["main"]
