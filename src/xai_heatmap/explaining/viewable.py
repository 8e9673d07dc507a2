"""What an explanation and a comparison share: the viewer in a cell of a notebook, or as a page."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any


class Viewable:
    """Results that a notebook shows with the viewer of reports."""

    def widget(self, *, height: int = 640) -> Any:
        """The viewer of reports in a cell of a notebook: layers are scrubbed, methods and classes
        switched, values read, without a further pass of the network.

        It needs the extra ``notebook``: anywidget, which Jupyter, VS Code, Colab and marimo show.
        Where it is absent, and where a notebook is read without running (GitHub, a PDF), the static
        picture stands there.

        Parameters
        ----------
        height
            Pixels of the cell, from 200 to 4000.

        Raises
        ------
        BadOption
            If the height is out of range.
        """
        # What shows an explanation knows explanations, so it is imported when it is asked for.
        from xai_heatmap.explaining.widget import widget

        return widget(self, height=height)

    def _page(self, path: Path, shown: Iterable[Any]) -> list[Path] | None:
        """The page of that name, written with the viewer; None of a name that is a folder's."""
        from xai_heatmap.explaining.reporting import ENDINGS, save_report

        return save_report(path, shown) if path.suffix.lower() in ENDINGS else None
