"""Tables of an audit, for page and terminal alike: cells of text, some with a share to colour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xai_heatmap.runners.audit.findings import displaced, followed

SHOWN = 12
"""Layers in the table of dead and saturated ones."""

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """One cell: what stands there, below it in small letters, a share in [0, 1] that colours it,
    and whether it is marked.
    """

    text: str
    small: str = ""
    share: float | None = None
    marked: bool = False


@dataclass(frozen=True)
class Table:
    """Names of columns, and rows of cells, the first of which is the row's name."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def holding(document: Facts) -> Table:
    """Methods by layers: share of pictures in which each map passes."""
    told = document["tested"]
    layers = list(dict.fromkeys(one["layer"] for one in told))
    methods = list(dict.fromkeys(one["method"] for one in told))
    known = {one["name"]: one for one in told}
    marked = document["recommended"]["name"]

    def cell(name: str) -> Cell:
        one = known.get(name)
        if one is None:
            return Cell("")
        if one["share"] is None:
            return Cell(f"{one['passed']} of {one['pictures']}")
        interval = f"{one['low']:.0%} to {one['high']:.0%}"
        return Cell(f"{one['share']:.0%}", interval, one["share"], name == marked)

    rows = [[Cell(m), *(cell(f"{m}@{layer}") for layer in layers)] for m in methods]
    return Table(["method", *layers], rows)


def each_map(document: Facts) -> Table:
    """One row for each map: every check of it."""
    drawn_ = _every_weight(document)
    rows = []
    for one in document["tested"]:
        name = one["name"]
        other, again = document["class_swap"].get(name, {}), drawn_.get(name, {})
        rows.append(
            [
                Cell(name),
                Cell(f"{one['passed']} of {one['pictures']}", share=one["share"]),
                Cell(number(one["agreement"])),
                Cell(number(other.get("like"))),
                Cell(f"{other['passed']} of {other['pictures']}" if other else ""),
                Cell(number(document["input_shift"].get(name))),
                Cell(number(again.get("like"))),
                Cell(f"{again['passed']} of {again['pictures']}" if again else ""),
                Cell(_against(one)),
            ]
        )
    head = ("map", "passes", "T", "another class", "passes", "moved", "drawn again", "passes",
            "against the usual")  # fmt: skip
    return Table(head, rows)


def _against(one: Facts) -> str:
    if not one["better"] and not one["worse"]:
        return ""
    return f"+{one['better']} −{one['worse']}, p {one['p']:.2g}"


def _every_weight(document: Facts) -> Facts:
    every = [w for w in document["weights"] if w["kind"] == "cascade" and 0 in w["parts"]]
    return every[0]["maps"] if every else {}


def drawn(document: Facts) -> Table:
    """Networks with weights drawn again by maps at the usual layer, and of the usual method."""
    agree = document["agreement"]
    names = list(dict.fromkeys([*agree["methods"]["names"], *agree["layers"]["names"]]))
    rows = []
    for one in document["weights"]:
        if one["maps"]:
            own = [_drawn(one["maps"].get(name)) for name in names]
            rows.append([Cell(one["said"]), *own])
    return Table(["drawn again", *names], rows)


def _drawn(own: Facts | None) -> Cell:
    if own is None:
        return Cell("")
    like = own["like"]
    share = None if like is None else abs(like)
    return Cell(number(like), f"{own['passed']} of {own['pictures']}", share)


def agreement(document: Facts) -> list[Table]:
    """Correlation of every two methods at one layer, and of every two layers of one method."""
    found = []
    for part, own in ((0, document["agreement"]["methods"]), (-1, document["agreement"]["layers"])):
        names = [_half(name, part) for name in own["names"]]
        rows = [
            [Cell(name), *(Cell(number(v), share=None if v is None else abs(v)) for v in row)]
            for name, row in zip(names, own["rows"], strict=True)
        ]
        told = any(v is not None for row in own["rows"] for v in row)
        if len(names) > 1 and told:
            found.append(Table(["method" if part == 0 else "layer", *names], rows))
    return found


def _half(name: str, part: int) -> str:
    method, _, layer = name.partition("@")
    return method if part == 0 else layer


def prepared(document: Facts) -> Table:
    """Ways to prepare the pictures, the one asked for first."""
    rows = [
        [
            Cell(one["way"] or "as asked for"),
            Cell(number(one["apart"]), share=one["apart"]),
            Cell(number(one["sure"])),
            Cell(f"{one['better']}, {one['worse']}" if one["way"] else ""),
            Cell(f"{one['p']:.1g}" if one["way"] else ""),
        ]
        for one in document["preprocessing"]
    ]
    return Table(("prepared", "told apart", "sure", "better, worse", "p"), rows)


def offsets(document: Facts) -> Table:
    """Layers with the offset of their cells."""
    rows = []
    for one in document["registration"]:
        told = "elsewhere" if displaced(one) else "" if followed(one) else "no places of its own"
        off = ", ".join(
            f"{own:+.1f} ± {1.96 * error:.1f}"
            for own, error in zip(one["offset"], one["error"], strict=True)
        )
        rows.append(
            [
                Cell(one["layer"]),
                Cell(off),
                Cell(" x ".join(f"{own:.0f}" for own in one["cell"])),
                Cell(", ".join(number(own) for own in one["follows"])),
                Cell(told),
            ]
        )
    return Table(("layer", "offset", "cell", "follows", ""), rows)


def cells(document: Facts) -> Table:
    """Layers with the most dead channels and the most values at the end of their range."""
    own = [one for one in document["layers"] if one["dead"] or (one["ended"] or 0) >= 0.05]
    own.sort(key=lambda one: max(one["share"], one["ended"] or 0.0), reverse=True)
    rows = [
        [
            Cell(one["layer"]),
            Cell(f"{one['dead']} of {one['channels']}", share=one["share"]),
            Cell("" if one["ended"] is None else f"{one['ended']:.0%}", share=one["ended"]),
        ]
        for one in own[:SHOWN]
    ]
    return Table(("layer", "dead channels", "at the end"), rows)


def number(value: float | None) -> str:
    """Two digits behind the point; a dash for what could not be measured.

    >>> number(0.5), number(-0.001), number(None)
    ('0.50', '0.00', '–')
    """
    if value is None:
        return "–"
    return f"{value:.2f}".replace("-0.00", "0.00")
