"""What an explanation and a comparison share in a notebook: the viewer in a cell."""

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
