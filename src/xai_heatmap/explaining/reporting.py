"""Reports: explanations in a page that is looked at, in one file that needs nothing beside it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.version import installed_version
from xai_heatmap.explaining.grid import Cell
from xai_heatmap.explaining.viewed import Viewed, held, viewed
from xai_heatmap.render.viewer import page
from xai_heatmap.sinks.picture import save_text

ENDINGS = (".html", ".htm")
"""Endings of a page's name."""

LARGEST = 30 << 20
"""Bytes of a page; what is more goes on in a further one."""


def save_report(
    path: Path, cells: Iterable[Cell], *, title: str = "", intro: Sequence[str] = ()
) -> list[Path]:
    """Write explanations as a page, or several where one would hold more than 30 MB.

    Opened from disk, a page shows each picture with its maps: layers are scrubbed, methods and
    classes switched, values read, palettes changed; it prints, and asks nobody for anything.

    Parameters
    ----------
    path
        The first page; others are called ``name-2.html``.
    cells
        Explanations, of one picture or many, and refusals behind those of the same picture.
    title, intro
        Head of the page, by default the picture's name, and lines below it.

    Returns
    -------
    The pages that were written.

    Raises
    ------
    BadOption
        Where there is no explanation.
    OutputError
        Where a page can't be written.
    """
    shown, title, said = _headed(cells, title, intro)
    parts = list(_parts(shown))
    names = [path, *(path.with_stem(f"{path.stem}-{k}") for k in range(2, len(parts) + 1))]
    links = [{"name": own.name, "words": f"{k}"} for k, own in enumerate(names, 1)]
    written: list[Path] = []
    for own, part in zip(names, parts, strict=True):
        more = {"pages": links if len(parts) > 1 else [], "version": installed_version()}
        text = page(title, held(title, part, intro=said) | more)
        written.append(save_text(own, text))
    return written


def report_text(cells: Iterable[Cell], *, title: str = "", intro: Sequence[str] = ()) -> str:
    """The page of `save_report` as text, all of it in one."""
    shown, title, said = _headed(cells, title, intro)
    return page(
        title, held(title, shown, intro=said) | {"pages": [], "version": installed_version()}
    )


def _headed(
    cells: Iterable[Cell], title: str, intro: Sequence[str]
) -> tuple[list[Viewed], str, list[str]]:
    """The pictures of a report, its title and the lines below it."""
    shown = viewed(cells)
    if not shown:
        raise BadOption("A report shows at least one explanation; received none.")
    count = len(shown)
    title = title or (
        str(shown[0].picture["name"]) if count == 1 else f"{counted(count, 'picture')}"
    )
    said = [*intro, f"{shown[0].network} · {count} {'picture' if count == 1 else 'pictures'}"]
    return shown, title, said


def _parts(shown: Sequence[Viewed]) -> Iterator[list[Viewed]]:
    """Pictures page by page."""
    part: list[Viewed] = []
    size = 0
    for one in shown:
        own = len(json.dumps([one.picture, list(one.packets.values())], default=str))
        if part and size + own > LARGEST:
            yield part
            part, size = [], 0
        part.append(one)
        size += own
    yield part
