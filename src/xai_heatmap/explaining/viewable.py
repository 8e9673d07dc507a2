"""What an explanation and a comparison share: the viewer in a cell of a notebook, or as a page."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xai_heatmap.core.errors import BadOption


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

    def _page(self, path: Path, shown: Iterable[Any], **drawing: Any) -> list[Path] | None:
        """The page of that name, written with the viewer; None of a name that is a folder's.

        Raises
        ------
        BadOption
            For a page with anything that says how maps are drawn or called.
        """
        from xai_heatmap.explaining.reporting import ENDINGS, save_report

        if path.suffix.lower() not in ENDINGS:
            return None
        given = [name for name, value in drawing.items() if value is not None]
        if given:
            raise BadOption(
                f"A page draws its maps itself, so {', '.join(given)} would change nothing. Leave "
                f"that out, or name a folder instead of {str(path)!r}."
            )
        return save_report(path, shown)
