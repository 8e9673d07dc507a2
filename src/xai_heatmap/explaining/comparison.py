"""Several explanations of one picture: a sheet of them, and their files."""

import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import PIL.Image

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import OutputError
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.viewable import Viewable
from xai_heatmap.render.frame import numbered
from xai_heatmap.render.sheet import sheet
from xai_heatmap.sinks.folder import safe_stem
from xai_heatmap.sinks.identity import joined
from xai_heatmap.sinks.picture import save_picture

SHEETS = {1: ("the signal", 960, 1), 2: ("the picture", 320, None), 3: ("the volume", 960, None)}
"""Name of what is explained, size of a tile and tiles in a row of a sheet, by the axes of the
grid."""

Draw = Callable[[Explanation], Image]
"""Function that makes an explanation a picture of the size of the explanation's image."""


@dataclass(frozen=True)
class Comparison(Viewable, Sequence[Explanation]):
    """Several explanations of one picture, made from one forward pass."""

    explanations: tuple[Explanation, ...]

    @overload
    def __getitem__(self, which: int) -> Explanation: ...

    @overload
    def __getitem__(self, which: slice) -> "Comparison": ...

    def __getitem__(self, which: int | slice) -> "Explanation | Comparison":
        if isinstance(which, slice):
            return Comparison(self.explanations[which])
        return self.explanations[which]

    def __len__(self) -> int:
        return len(self.explanations)

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self.explanations)

    def sheet(
        self, *, columns: int | None = None, size: int | None = None, draw: Draw | None = None
    ) -> Image:
        """Contact sheet of all explanations, the picture itself first; with the boxes that were
        found in it, where they have numbers.

        What they share stands at its head, what sets each apart below it.

        Parameters
        ----------
        columns
            Tiles in a row; by default what makes the sheet about as wide as a page. Signals stand
            below each other.
        size
            Longest side of a tile, in pixels; by default 320, and for what is no picture 960.
        draw
            How one is drawn; by default its overlay.
        """
        first = self.explanations[0]
        facts = [(e.layer.name, e.method, e.target) for e in self.explanations]
        differs = [len(set(column)) > 1 for column in zip(*facts, strict=True)]
        shared = [fact for fact, own in zip(facts[0], differs, strict=True) if not own]
        what, usual, across = SHEETS.get(first.axes, SHEETS[2])
        return sheet(
            [self._found(), *map(draw or Explanation.overlay, self.explanations)],
            [what, *(_title(e, differs) for e in self.explanations)],
            columns=columns or across,
            size=size or usual,
            heading=" · ".join([first.name, *shared]),
        )

    def _found(self) -> Image:
        """The picture with all boxes that have numbers."""
        each = [e.detection for e in self.explanations if e.detection is not None]
        boxes = {one.number: one.box for one in each if one.number is not None}
        return numbered(self.explanations[0].image, boxes)

    def save(
        self, folder: str | os.PathLike[str], *, draw: Draw | None = None, caption: bool = True
    ) -> list[Path]:
        """Write every explanation, and where there are several a sheet, ``<name>.sheet.png``; or
        one page that is looked at in a browser.

        Parameters
        ----------
        folder
            Made if it is not there. A name that ends in ``.html``: a page in one file, which holds
            the picture and all maps and shows them from disk, layer by layer, with their values.
        draw
            How one is drawn; by default its overlay.
        caption
            Whether a line below each picture says what is shown.

        Returns
        -------
        The pictures in order, then the sheet; arrays and the manifest lie beside them. Of a page,
        the page.

        Raises
        ------
        BadOption
            For a page with `draw`: a page draws its maps itself.
        """
        if written := self._page(Path(folder), self.explanations, draw=draw):
            return written
        drawn = {id(e): (draw or Explanation.overlay)(e) for e in self.explanations}
        written = []
        try:
            for e, stem in zip(self.explanations, self._stems(), strict=True):
                files = e.save(folder, picture=drawn[id(e)], stem=stem, caption=caption)
                written.append(files[0])
            return [*written, *self._saved_sheet(Path(folder), drawn)]
        except OutputError as error:
            if not written:
                raise
            done = f"{len(written)} of {counted(len(self), 'explanation')} were saved before"
            raise OutputError(f"{error} {done}: {written[-1].name} is the last.") from error

    def _saved_sheet(self, folder: Path, drawn: Mapping[int, Image]) -> list[Path]:
        """The sheet's file; none of a single explanation."""
        if len(self) == 1:
            return []
        name = safe_stem(Path(self.explanations[0].name).stem)
        page = self.sheet(draw=lambda e: drawn[id(e)])
        own = joined([e.identity for e in self.explanations])
        return [save_picture(folder / f"{name}.sheet.png", page, identity=own)]

    def _stems(self) -> list[str]:
        """A name for each; the second of two that would be called the same gets a number."""
        times: Counter[str] = Counter()
        stems = []
        for e in self.explanations:
            times[e.stem] += 1
            stems.append(e.stem if times[e.stem] == 1 else f"{e.stem}-{times[e.stem]}")
        return stems

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        PIL.Image.fromarray(self.sheet(size=200)).save(written, "PNG")
        return written.getvalue()


def _title(explanation: Explanation, differs: Sequence[bool]) -> str:
    """Facts that set one explanation apart, its verdict where that is not good, and its test."""
    facts = (explanation.layer.name, explanation.method, explanation.target)
    own = [fact for fact, shown in zip(facts, differs, strict=True) if shown]
    bad = [] if explanation.verdict.word == "ok" else [explanation.verdict.word]
    bad += [] if explanation.tested is None else [explanation.tested.short]
    return " · ".join([*(own or facts), *bad])
