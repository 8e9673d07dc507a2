"""The viewer of reports in a cell of a notebook; without anywidget the static picture."""

import base64
import functools
import html
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

from xai_heatmap.core.errors import BadOption
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.reporting import report_text

HINT = (
    "To look at it in this cell, layer by layer: pip install 'xai-heatmap[notebook]', restart the "
    "kernel, run the cell again."
)

LOWEST, HIGHEST = 200, 4000
"""Pixels that a cell may be high."""


@dataclass(frozen=True)
class Still:
    """Static picture of a result, with a line that says what is missing for the viewer."""

    picture: str
    png: bytes

    def _repr_html_(self) -> str:
        return f"{self.picture}<p><small>{html.escape(HINT)}</small></p>"

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        return HINT


def widget(shown: Any, *, height: int) -> Any:
    """The viewer over an explanation or a comparison, as a widget; a `Still` without anywidget."""
    if isinstance(height, bool) or not LOWEST <= height <= HIGHEST:
        raise BadOption(f"height is {LOWEST} to {HIGHEST} pixels; received {height}.")
    png = shown._repr_png_()
    picture = _still(shown, png)
    made = _viewer()
    if made is None:
        return Still(picture, png)
    cells = [shown] if isinstance(shown, Explanation) else list(cast(Sequence[Explanation], shown))
    title = f"Heatmaps of {cells[0].name}"
    return made(page=report_text(cells), height=height, title=title, still=picture)


def _still(shown: Any, png: bytes) -> str:
    """The static picture as HTML."""
    if isinstance(shown, Explanation):
        return shown._repr_html_()
    words = html.escape(f"Heatmaps of {shown[0].name}", quote=True)
    return f"<img alt='{words}' src='data:image/png;base64,{base64.b64encode(png).decode()}'>"


@functools.cache
def _class() -> Any:
    """The widget's class; made when the first is wanted, since anywidget need not be there."""
    import anywidget
    import traitlets

    class Viewer(anywidget.AnyWidget):
        """The page of a report in a frame."""

        _esm = files("xai_heatmap.render.viewer").joinpath("widget.js").read_text("utf-8")
        page = traitlets.Unicode().tag(sync=True)
        title = traitlets.Unicode().tag(sync=True)
        height = traitlets.Int().tag(sync=True)
        still = traitlets.Unicode()

        def _repr_mimebundle_(self, **kwargs: Any) -> Any:
            # Saved beside the live view, for those who read a notebook without running it.
            told = super()._repr_mimebundle_(**kwargs)
            if told is None:
                return {"text/html": self.still}
            data, *more = told if isinstance(told, tuple) else (told,)
            data = {**data, "text/html": self.still}
            return (data, *more) if more else data

    return Viewer


def _viewer() -> Any:
    """The widget's class; None where anywidget is absent."""
    try:
        return _class()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"anywidget", "traitlets", "ipywidgets"}:
            raise
        return None
