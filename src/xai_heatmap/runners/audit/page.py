"""Page of an audit: one file of HTML that needs nothing beside itself, light and dark."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xai_heatmap.core.counted import counted
from xai_heatmap.render.report import STYLE
from xai_heatmap.runners.audit.tables import (
    Cell,
    Table,
    agreement,
    cells,
    drawn,
    each_map,
    holding,
    offsets,
    prepared,
)

OWN = """
:root { --good: #1f6feb; --bad: #b02a37; --card: #f6f8fa }
@media (prefers-color-scheme: dark) {
  :root { --good: #58a6ff; --bad: #ff7b88; --card: #1f2226 }
}
.card { background: var(--card); border-radius: 8px; padding: .9rem 1.1rem; margin: 1rem 0 }
.card h2 { margin: 0 0 .3rem } .card p { margin: .25rem 0 }
.found { border-left: 4px solid var(--bad) } .kept { border-left: 4px solid var(--good) }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .86rem; margin: .8rem 0 }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--rule);
  font-variant-numeric: tabular-nums; vertical-align: top }
th { font-weight: 600; text-align: right } th:first-child, td:first-child { text-align: left }
td { white-space: nowrap } th { min-width: 4.5rem }
td:first-child { white-space: normal; min-width: 8.5rem }
td:first-child, th { overflow-wrap: anywhere } td small { display: block; color: var(--quiet) }
td.told { background: color-mix(in srgb, var(--good) calc(var(--s) * 42%), transparent) }
td.usual { outline: 2px solid var(--good); outline-offset: -2px }
code { font-size: .92em; overflow-wrap: anywhere } ul { padding-left: 1.2rem; margin: .4rem 0 }
li { max-width: 46rem; margin: .3rem 0 }
"""


TOLD = {
    "Which map holds up": (
        "Share of pictures in which the map predicts what moves the score when halves of the "
        "picture are taken away: better than its own shifted and mirrored copies, than edges "
        "and than a blob in the middle. Small: the 95 % interval."
    ),
    "Every map": (
        "T: cosine of what the map predicts and how the score moved, median. Another class: "
        "correlation with the map of a class in the middle of the ranking, and in how many "
        "pictures that one passes the prediction's test. Moved: correlation with the map of the "
        "picture moved by an eighth, moved back. Drawn again: correlation with the map of the "
        "network whose every weight has its numbers in another order."
    ),
    "Weights drawn again": (
        "Correlation of a map with that of the same network with some weights in another order; "
        "in how many pictures that one still passes. First from the answer backwards, then parts "
        "alone. Parts that hold no weights are left out."
    ),
    "Agreement": (
        "Mean correlation of maps of one picture: methods at the usual layer, then layers of the "
        "usual method."
    ),
    "Preprocessing": (
        "The same pictures prepared otherwise. Told apart: correlation over classes of the answer "
        "with the answer to the same picture moved, less that with the answers to the other "
        "pictures; it does not hang on the scale of scores. Better, worse: pictures in which it "
        "is higher, or lower, than as asked for. Sure: mean probability of the prediction, which "
        "a wrong range may raise."
    ),
    "Where cells look": (
        "What cells answer to less where they are drawn, in places of the input, down and right, "
        "by disturbances at sixteen places of each picture; a cell's size beside it. Follows: 1 "
        "where cells keep their places."
    ),
    "Dead and saturated layers": (
        "Channels that have one value at every place of every picture, and the share of values "
        "at the end of the layer's range; layers with the most first."
    ),
}
"""What the figures of each section are, by its title."""


def page(document: Mapping[str, Any]) -> str:
    """The whole page; everything in it is escaped."""
    title = f"Audit of {document['network']}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title><style>{STYLE}{OWN}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{html.escape(headline(document))}</p>",
        _recommended(document["recommended"]),
        _findings(document["findings"]),
        _listed("Notes", document["notes"]),
        *(_section(*one) for one in sections(document)),
        f"<footer>{html.escape(_footer(document))}</footer></body></html>",
    ]
    return "\n".join(filter(None, parts))


def headline(document: Mapping[str, Any]) -> str:
    """What was looked at, in a sentence or two."""
    own, pictures = document["predictions"], document["pictures"]
    model = f"{document['model']}, " if document["model"] else ""
    audited = (
        f"{counted(pictures['audited'], 'picture')}, "
        f"{counted(document['passes'], 'pass')} of "
        "the test for each"
    )
    if not own:
        return f"{model}{audited}."
    sure = (
        f" It is sure of its predictions with {own['sure']:.2f} on average" if own["sure"] else ""
    )
    classes = f", and answers {own['labels']} of its {counted(own['classes'], 'class')}."
    return f"{model}{audited}.{sure}{classes if sure else ''}"


def sections(document: Mapping[str, Any]) -> list[tuple[str, str, Sequence[Table]]]:
    """Title, what the figures are, and tables, of every check."""
    tables = (
        [holding(document)],
        [each_map(document)],
        [drawn(document)],
        agreement(document),
        [prepared(document)],
        [offsets(document)],
        [cells(document)],
    )
    return [(title, text, own) for (title, text), own in zip(TOLD.items(), tables, strict=True)]


def _section(title: str, text: str, tables: Sequence[Table]) -> str:
    shown = [_table(one) for one in tables if one.rows]
    if not shown:
        return ""
    body = "\n".join(f'<div class="wide">{one}</div>' for one in shown)
    return f"<section><h2>{html.escape(title)}</h2><p>{html.escape(text)}</p>{body}</section>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.head)
    rows = "".join(
        f"<tr>{''.join(_cell(one, first=n == 0) for n, one in enumerate(row))}</tr>"
        for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(cell: Cell, *, first: bool) -> str:
    names = [name for name, on in (("told", cell.share is not None), ("usual", cell.marked)) if on]
    shown = html.escape(cell.text)
    shown = f"<code>{shown}</code>" if first else shown
    small = f"<small>{html.escape(cell.small)}</small>" if cell.small else ""
    style = "" if cell.share is None else f' style="--s:{max(min(cell.share, 1.0), 0.0):.3f}"'
    kind = f' class="{" ".join(names)}"' if names else ""
    return f"<td{kind}{style}>{shown}{small}</td>"


def _recommended(own: Mapping[str, Any]) -> str:
    title = f"Recommended: {own['name']}" if own["name"] else "No recommendation"
    said = "".join(f"<p>{html.escape(one)}</p>" for one in own["because"])
    return f'<div class="card kept"><h2>{html.escape(title)}</h2>{said}</div>'


def _findings(found: Sequence[Mapping[str, str]]) -> str:
    if not found:
        return '<div class="card"><h2>Findings</h2><p>No check found anything.</p></div>'
    said = "".join(f"<li><b>{_e(one['check'])}</b>: {_e(one['text'])}</li>" for one in found)
    return f'<div class="card found"><h2>Findings</h2><ul>{said}</ul></div>'


def _listed(title: str, texts: Iterable[str]) -> str:
    said = "".join(f"<li>{_e(one)}</li>" for one in texts)
    return f'<div class="card"><h2>{title}</h2><ul>{said}</ul></div>' if said else ""


def _e(text: str) -> str:
    return html.escape(text)


def _footer(document: Mapping[str, Any]) -> str:
    how = ", ".join(
        f"{name} {value}" for name, value in document["preprocess"].items() if value != "None"
    )
    prepared_ = f" Pictures were prepared so: {how}." if how else ""
    return (
        f"A map that passes was tested on what moves the score of this network; whether the "
        f"network is right to look there no check says.{prepared_} Figures: audit.json beside this "
        f"page. Made by `xai-heatmap audit`, version {document['xai_heatmap']}."
    )
