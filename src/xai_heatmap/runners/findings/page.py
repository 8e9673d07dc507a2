"""Findings as one page of HTML that needs nothing beside itself."""

import html
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from xai_heatmap.core.counted import counted
from xai_heatmap.core.plain import whole_text
from xai_heatmap.render.report import STYLE
from xai_heatmap.runners.batch.status import unfinished
from xai_heatmap.runners.findings.choosing import named
from xai_heatmap.runners.findings.finding import TRIED, Finding
from xai_heatmap.runners.findings.statistics import Moved

if TYPE_CHECKING:
    from xai_heatmap.runners.findings.findings import Findings

OWN = """
:root { --warm: #b02a37; --cool: #0b5ed7; --wash: #f1f3f5 }
@media (prefers-color-scheme: dark) { :root { --warm: #ff8787; --cool: #74c0fc; --wash: #23262a } }
a { color: var(--cool) } a:focus-visible, summary:focus-visible, .scroll:focus-visible {
  outline: 3px solid var(--cool); outline-offset: 2px }
nav { margin: 1rem 0 }
nav ol { columns: 21rem; column-gap: 2.6rem; padding-left: 1.6rem; margin: .3rem 0 }
.skip { position: absolute; left: -99rem } .skip:focus { position: static }
.mark { display: inline-block; border: 1px solid var(--warm); color: var(--warm);
  border-radius: 4px; padding: 0 .4rem; font-size: .8rem; font-weight: 600; vertical-align: .12em }
.says p { max-width: 58rem } .sheet { display: grid; gap: .8rem; margin: .9rem 0;
  grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)) }
.sheet figure { width: auto } .tile { display: flex; gap: .3rem; align-items: flex-start }
.tile img { width: 68%; min-width: 0 } .tile img.piece { width: 30%; border-radius: 4px }
.pair { display: flex; gap: .3rem } .pair img { width: 50%; min-width: 0 }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums;
  margin: .6rem 0; font-size: .92rem } th, td { text-align: left; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid var(--rule); vertical-align: top } th { font-weight: 600 }
td.n, th.n { text-align: right } caption { text-align: left; color: var(--quiet); padding: .2rem 0 }
svg { display: block; width: 11rem; height: 1rem } svg .axis { stroke: var(--quiet) }
svg .bar { stroke: var(--cool); stroke-width: 2 } svg .dot { fill: var(--cool) }
.warm svg .bar { stroke: var(--warm) } .warm svg .dot { fill: var(--warm) }
@media print { nav, .skip { display: none } body { max-width: none; margin: 0; font-size: 10pt }
  article, figure, tr { break-inside: avoid } a { color: inherit; text-decoration: none } }
"""

RULE = (
    "A shortcut is claimed where three things were measured: hiding the pieces lowers the score of "
    "the class more than hiding as much elsewhere on the same pictures; put where there is no heat "
    "into pictures of other classes, a piece brings most of that weight along; and it bridges a "
    "tenth of the way to the class. A part of an object loses most of its weight without the "
    "object around it; a mark, a stamp or a frame does not. Where a whole object is as small as a "
    "piece, it speaks by itself too: look at the pictures. Heat on a background is not called "
    "wrong here, and nothing is said that was not tested."
)


def page(found: "Findings") -> str:
    """The whole page; everything in it is escaped."""
    title = f"Findings: {found.network}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_text(title)}</title><style>{STYLE}{OWN}</style></head><body>",
            '<a class="skip" href="#findings">Skip to the findings</a>',
            f"<header><h1>{_text(title)}</h1>",
            *(f"<p>{_text(one)}</p>" for one in summary(found)),
            "</header>",
            _contents(found),
            '<main id="findings">',
            *(_article(place, one) for place, one in enumerate(found.findings, 1)),
            *_beside(found),
            "</main>",
            f"<footer><p>{_text(RULE)}</p></footer></body></html>",
        ]
    )


def summary(found: "Findings") -> list[str]:
    """What was looked at and what came of it, in sentences."""
    looked = (
        f"Run {found.run}: {counted(found.rows, 'picture')}, {found.errors} without a map. "
        f"{counted(found.looked, 'was looked into again', 'were looked into again')}; "
        f"{counted(len(found.findings), 'group was tested', 'groups were tested')}."
    )
    said = [looked, *filter(None, [unfinished(found.waiting)])]
    names = list(dict.fromkeys(one.name for one in found.shortcuts))
    asked = any(one.shortcut is not None for one in found.findings)
    if names:
        said.append(
            f"{counted(len(found.shortcuts), 'of them claims', 'of them claim')} a shortcut, of "
            f"{counted(len(names), 'class')}: {named(names)}."
        )
    elif asked:
        said.append("None of them claims a shortcut.")
    elif found.findings:
        said.append(
            "Whether one is a shortcut could not be asked: there are too few pictures of other "
            "classes to put its pieces into."
        )
    if found.small:
        said.append(f"Too few pictures share anything for a test of: {named(found.small)}.")
    if found.missing:
        first = next(iter(found.gone.values()))
        said.append(
            f"{counted(found.missing, 'picture')} can't be had any more. The first: {first}"
        )
    return said


def _contents(found: "Findings") -> str:
    if not found.findings:
        return ""
    rows = [
        f'<li><a href="#f{place}">{_text(one.name)}</a>: {one.hangs:.0%} of the class hangs on it'
        f"{' ' + MARK if one.shortcut else ''}</li>"
        for place, one in enumerate(found.findings, 1)
    ]
    return f'<nav aria-label="Findings"><ol>{"".join(rows)}</ol></nav>'


MARK = '<span class="mark">shortcut</span>'


def _article(place: int, one: Finding) -> str:
    head = f"{place}. {one.name}, in {one.group.share:.0%} of its pictures"
    says = "".join(f"<p>{_text(said)}</p>" for said in one.sentences())
    tiles = "".join(_tile(tile) for tile in one.group.tiles)
    return (
        f'<section><article id="f{place}"{" class=warm" if one.shortcut else ""}>'
        f"<h2>{_text(head)} {MARK if one.shortcut else ''}</h2>"
        f'<div class="sheet">{tiles}</div>{_tests(one)}<div class="says">{says}</div>'
        "</article></section>"
    )


def _tile(tile: dict[str, Any]) -> str:
    said = str(tile["id"]) + (f", {tile['label']}" if tile["label"] else "")
    alt = f"{tile['id']}: where the heat for {tile['prediction']} lies"
    return (
        f'<figure><div class="tile"><img src="{tile["heat"]}" alt="{_text(alt)}">'
        f'<img class="piece" src="{tile["piece"]}" alt="the piece, enlarged"></div>'
        f"<figcaption>{_text(said)}</figcaption></figure>"
    )


def _tests(one: Finding) -> str:
    own = one.group.outcomes
    hidden = "hidden: "
    rows: list[tuple[str, str, str, Moved, bool]] = [
        (f"{hidden}score falls by", f"{one.score:.3g}", f"{one.beside:.3g}", one.fall, False),
        (
            f"{hidden}no longer the class", _share(rank != 1 for rank in own.rank_without),
            _share(rank != 1 for rank in own.rank_beside), one.lost, True,
        ),
    ]  # fmt: skip
    if one.tried >= TRIED:
        put = "put into other pictures: "
        rows += [
            (
                f"{put}score rises by", _risen(own.put, own.bare), _risen(own.put_beside, own.bare),
                one.rise, False,
            ),
            (
                f"{put}become {one.name}", f"{one.turned:.0%}", f"{one.turned_beside:.0%}",
                one.turns, True,
            ),
        ]  # fmt: skip
    top = max((abs(v) for row in rows if not row[4] for v in (row[3].low, row[3].high)
               if math.isfinite(v)), default=1.0)  # fmt: skip
    return table(
        "Means, with bounds that hold for all findings together in 95 of 100 runs",
        ("", "piece", "as much elsewhere", "beyond that", "bounds"),
        [
            (
                _text(said), first, second, f"{m.mean:.0%}" if share else f"{m.mean:.3g}",
                _bar(m, 1.0 if share else max(top, 1e-9)),
            )
            for said, first, second, m, share in rows
        ],
        numbers=(1, 2, 3),
    )  # fmt: skip


def _share(those: Iterable[bool]) -> str:
    own = list(those)
    return f"{sum(own) / len(own):.0%}" if own else ""


def _risen(after: Sequence[float], before: Sequence[float]) -> str:
    far = [one - other for one, other in zip(after, before, strict=True)]
    return f"{sum(far) / len(far):.3g}" if far else ""


def _bar(own: Moved, top: float) -> str:
    """Mean and bounds on a line from -top to top."""
    if not all(map(math.isfinite, (own.mean, own.low, own.high))):
        return "unknown"
    low, mean, high = (88 + 84 * max(min(v / top, 1), -1) for v in (own.low, own.mean, own.high))
    said = f"{own.mean:.3g}, from {own.low:.3g} to {own.high:.3g}"
    return (
        f'<svg viewBox="0 0 176 16" role="img" aria-label="{said}"><title>{said}</title>'
        f'<line class="axis" x1="88" x2="88" y1="1" y2="15"/><line class="bar" x1="{low:.1f}" '
        f'x2="{high:.1f}" y1="8" y2="8"/><circle class="dot" cx="{mean:.1f}" cy="8" r="4"/></svg>'
    )


def _beside(found: "Findings") -> Iterable[str]:
    if found.outside or found.inside:
        rows = [
            (_text(one.name), str(one.pictures), f"{one.heat:.0%}", f"{one.area:.0%}",
             str(one.outside))
            for one in found.inside
        ]  # fmt: skip
        head = ("class", "pictures", "heat inside", "area inside", "less heat than area")
        listed = [
            (_text(one.id), _text(one.prediction), f"{one.heat:.0%}", f"{one.area:.0%}")
            for one in found.outside
        ]
        least = ("picture", "prediction", "heat inside", "area inside")
        body = table("Heat inside the regions that were given", head, rows, numbers=(1, 2, 3, 4))
        body += table("Pictures with the least", least, listed, numbers=(2, 3)) if listed else ""
        yield _section("Heat outside of your regions", body)
    if found.confused:
        yield _section("Classes that are taken for each other", "".join(map(_pair, found.confused)))
    if found.alike:
        rows = [
            (_text(one.first), _text(one.second), f"{one.mixed:.2f}", str(one.pieces))
            for one in found.alike
        ]
        caption = (
            "How often the piece most like a class's strongest one is of the other class; 1 where "
            "nothing tells them apart"
        )
        body = table(caption, ("class", "class", "mixed", "pieces"), rows, numbers=(2, 3))
        yield _section("Classes whose heat lies on the same things", body)
    if found.verdicts:
        yield _section("Verdicts by predicted class", _verdicts(found))


def _pair(one: Any) -> str:
    tiles = "".join(
        f'<figure><div class="pair"><img src="{tile["prediction"]}" '
        f'alt="{_text(tile["id"])}: heat for {_text(one.prediction)}"><img src="{tile["label"]}" '
        f'alt="the same: heat for {_text(one.label)}"></div>'
        f"<figcaption>{_text(tile['id'])}</figcaption></figure>"
        for tile in one.tiles
    )
    return (
        f"<h3>{counted(one.pictures, 'picture')} of {_text(one.label)} ({one.share:.0%}) taken for "
        f"{_text(one.prediction)}</h3><p>Left the heat for {_text(one.prediction)}, right for "
        f'{_text(one.label)}, on the same picture.</p><div class="sheet">{tiles}</div>'
    )


def _verdicts(found: "Findings") -> str:
    words = list(dict.fromkeys(word for one in found.verdicts for word in one.words))
    known = any(one.labelled for one in found.verdicts)
    rows = [
        (
            _text(one.name), str(one.pictures), *(str(one.words.get(word, 0)) for word in words),
            *([f"{one.right} of {one.labelled}"] if known else []),
        )
        for one in found.verdicts
    ]  # fmt: skip
    head = ("class", "pictures", *map(_text, words), *(["right of labelled"] if known else []))
    return table("Verdicts of the maps", head, rows, numbers=range(1, len(head)))


def _section(title: str, body: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{body}</section>"


def table(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Iterable[int]
) -> str:
    """A table of cells that are escaped already; the first of each row is its heading."""
    right = set(numbers)

    def kind(place: int) -> str:
        return ' class="n"' if place in right else ""

    first = "".join(f'<th scope="col"{kind(k)}>{own}</th>' for k, own in enumerate(head))
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td{kind(k)}>{own}</td>" for k, own in enumerate(row[1:], 1))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(caption)}"><table>'
        f"<caption>{_text(caption)}</caption><thead><tr>{first}</tr></thead><tbody>{body}</tbody>"
        "</table></div>"
    )


def _text(text: str) -> str:
    return html.escape(whole_text(str(text)), quote=True)
