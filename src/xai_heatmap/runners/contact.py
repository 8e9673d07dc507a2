"""Many pictures on one sheet, a tile for each."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL.Image

from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.jobs import request
from xai_heatmap.jobs.job import Explain
from xai_heatmap.render.page import Picture
from xai_heatmap.render.sheet import sheet
from xai_heatmap.runners.local import Row
from xai_heatmap.runners.pages import drawn_small
from xai_heatmap.sinks.identity import joined
from xai_heatmap.sinks.picture import save_picture

FOLDER = "sheets"
"""Folder of contact sheets in that of the results, whose pictures are one for each picture."""

NAME = "contact-sheet"
"""Stem of a contact sheet's file; further pages have a number."""

MOST = 48
"""Pictures of a page."""

TILE = 320
"""Longer side of a tile, in pixels."""


@dataclass
class ContactSheet:
    """The contact sheet of a run, filled picture by picture and written page by page.

    Parameters
    ----------
    job
        Says where it goes and how it is drawn; one of a single picture writes nothing.
    pages
        The files written so far.
    """

    job: Explain
    pages: list[Path] = field(default_factory=list[Path])
    _tiles: list[Picture] = field(default_factory=list[Picture])
    _titles: list[str] = field(default_factory=list[str])
    _identities: list[str] = field(default_factory=list[str])

    def add(self, row: Row) -> None:
        """The first explanation of a picture; one that could not be read has no tile."""
        if row.comparison is None or len(self.job.images) < 2:
            return
        first = row.comparison[0]
        self._tiles.append(self._tile(first, row.drawn))
        self._titles.append(_title(first))
        self._identities.append(first.identity)
        if len(self._tiles) == MOST:
            self.write()

    def _tile(self, first: Explanation, drawn: Picture | None) -> Picture:
        """The picture that was drawn already, made smaller; drawn anew where there are words in it,
        which are read at their own size.
        """
        written = self.job.legend or first.detection is not None or first.instead is not None
        if drawn is None or written:
            return drawn_small(first, request.drawing(self.job), width=TILE)
        return _tile_of(drawn)

    def write(self) -> None:
        """Write what is not written yet."""
        if not self._tiles or (len(self._tiles) == 1 and not self.pages):
            return
        number = len(self.pages) + 1
        page = sheet(self._tiles, self._titles, size=TILE)
        path = self.job.out / FOLDER / f"{NAME}{f'.{number}' if number > 1 else ''}.png"
        own = joined([*self._identities, str(number)])
        self.pages.append(save_picture(path, page, identity=own))
        for kept in (self._tiles, self._titles, self._identities):
            kept.clear()


def _tile_of(drawn: Picture) -> Picture:
    """A picture as large as its tile will be, or smaller; by a filter that is as sharp as it is
    quick.
    """
    share = TILE / max(drawn.shape[:2])
    if share >= 1:
        return drawn
    size = max(1, round(drawn.shape[1] * share)), max(1, round(drawn.shape[0] * share))
    return np.array(PIL.Image.fromarray(drawn).resize(size, PIL.Image.Resampling.HAMMING))


def _title(one: Explanation) -> str:
    """The picture's name, what the network says, and the verdict where that is not good."""
    said = f"{one.target.partition(',')[0]}"
    sure = f" {one.probability:.2f}" if one.probability is not None else ""
    bad = [] if one.verdict.word == "ok" else [one.verdict.word.replace("_", " ")]
    return " · ".join([one.name, f"{said}{sure}", *bad])
