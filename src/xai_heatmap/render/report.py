"""A page of HTML that needs nothing beside itself: its pictures are in it, it opens from disk."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import PIL.Image

from xai_heatmap.core.arrays import Image

QUALITY = 88
"""Quality of the JPEGs in a page."""

STYLE = """
:root { color-scheme: light dark; --ink: #212529; --quiet: #5c636a; --paper: #fff; --rule: #dee2e6 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9ecef; --quiet: #adb5bd; --paper: #16181b; --rule: #343a40 }
}
body { margin: 2rem auto; max-width: 76rem; padding: 0 1.25rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
h1 { line-height: 1.2; margin-bottom: .3rem } h2 { margin: 2.2rem 0 .2rem; font-size: 1.2rem }
p { max-width: 46rem; margin: .4rem 0 } h3 { font-size: 1rem; margin: .9rem 0 .3rem }
section { border-top: 1px solid var(--rule); margin-top: 1.8rem }
.body { display: grid; grid-template-columns: minmax(9rem, 17rem) 1fr; gap: 1.5rem }
.body > figure { width: auto; margin-top: 2.2rem }
@media (max-width: 50rem) { .body { grid-template-columns: 1fr } .body > figure { width: 13rem } }
.row { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start }
figure { margin: 0; width: min(11rem, 42vw) }
figure img { display: block; width: 100%; height: auto; border-radius: 6px }
figcaption { color: var(--quiet); font-size: .85rem; margin-top: .25rem; overflow-wrap: anywhere }
footer { margin-top: 2.5rem; color: var(--quiet); font-size: .85rem }
"""


@dataclass(frozen=True)
class Figure:
    """A picture with what is written below it, and what it shows for whom can't see it."""

    picture: Image
    caption: str
    alt: str


@dataclass(frozen=True)
class Row:
    """Figures side by side under a line of their own; the line may be empty."""

    title: str
    figures: Sequence[Figure]


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, and a figure with rows of figures beside it."""

    title: str
    text: str
    figure: Figure
    rows: Sequence[Row]


def report(
    title: str, *, intro: Sequence[str], sections: Sequence[Section], footer: str = ""
) -> str:
    """The whole page as text; everything in it is escaped."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{html.escape(title)}</h1>",
            *(f"<p>{html.escape(paragraph)}</p>" for paragraph in intro),
            *map(_section, sections),
            f"<footer>{html.escape(footer)}</footer></body></html>",
        ]
    )


def _section(section: Section) -> str:
    rows = "\n".join(map(_row, section.rows))
    return (
        f"<section><h2>{html.escape(section.title)}</h2><p>{html.escape(section.text)}</p>\n"
        f'<div class="body">{_figure(section.figure)}<div>{rows}</div></div></section>'
    )


def _row(row: Row) -> str:
    heading = f"<h3>{html.escape(row.title)}</h3>" if row.title else ""
    return f'{heading}<div class="row">{"".join(map(_figure, row.figures))}</div>'


def _figure(figure: Figure) -> str:
    height, width = figure.picture.shape[:2]
    alt = html.escape(figure.alt, quote=True)
    return (
        f'<figure><img width="{width}" height="{height}" alt="{alt}" '
        f'src="data:image/jpeg;base64,{_encoded(figure.picture)}">'
        f"<figcaption>{html.escape(figure.caption)}</figcaption></figure>"
    )


def _encoded(picture: Image) -> str:
    written = io.BytesIO()
    PIL.Image.fromarray(picture).save(written, "JPEG", quality=QUALITY)
    return base64.b64encode(written.getvalue()).decode()
