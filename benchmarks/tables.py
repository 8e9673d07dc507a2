"""Records as Markdown: what must be reached and whether it is, then all that was measured."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.networks import SUBJECTS
from benchmarks.settings import (
    AGREEMENT,
    ALL_LAYERS,
    AS_THEY_COME,
    FRAMEWORKS,
    MANY_TARGETS,
    MEMORY,
    OF_THE_HEAD,
    ONE_LAYER,
    OURS,
    OVERLAY,
    REPLAY,
    SEVERAL_TARGETS,
    STRIDED,
)

Record = dict[str, Any]
Row = Sequence[str]


def put(page: Path, marks: tuple[str, str], text: str) -> None:
    """Put figures into a page, between the marks that begin and end them."""
    begin, end = marks
    before, _, rest = page.read_text("utf-8").partition(begin)
    after = rest.partition(end)[2]
    page.write_text(f"{before}{begin}\n\n{text.rstrip()}\n\n{end}{after}", "utf-8")


def document(records: Sequence[Record], machine: str, *, quick: bool) -> str:
    """All tables of one run."""
    card = next((r["card"] for r in records if r.get("card")), "")
    parts = [f"**{card}**, beside {machine}." if card else f"{machine}."]
    if quick:
        parts.append("**A quick run: it shows that every row runs; its figures mean nothing.**")
    parts += ["### What it must reach", _summary(records)]
    titles = {r["framework"]: r["title"] for r in records if r["kind"] == "framework"}
    for framework in FRAMEWORKS:
        rows = [r for r in records if r.get("framework") == framework]
        if any(_is(r, "timing") for r in rows):
            parts += [f"### {titles.get(framework, framework)}", _timings(rows)]
    replays = [r for r in records if r["kind"] == "replay"]
    if replays:
        parts += ["### Replay at the last stage of ResNet-50", _replays(replays, titles)]
    differences = [r for r in records if r["kind"] == "difference"]
    if differences:
        parts += ["### One network in several frameworks", _differences(differences)]
    missing = [r for r in records if r["kind"] == "missing" and r["of"] != "timing"]
    if missing:
        parts += ["### Did not run", _missing(missing)]
    return "\n\n".join(parts) + "\n"


def _summary(records: Sequence[Record]) -> str:
    """One line for each aim and framework: the worst of its cases."""
    rows: list[Row] = []
    ratio = "{:.2f}".format
    for framework in FRAMEWORKS:
        timed = [r for r in records if r["kind"] == "timing" and r["framework"] == framework]
        for batch in sorted({r["batch"] for r in timed}):
            ours = [r for r in timed if r["batch"] == batch]
            one = [r for r in ours if r["row"] == OURS]
            what = f"Grad-CAM at the auto layer ÷ bare forward pass, {framework}, batch {batch}"
            rows += _worst(what, one, ONE_LAYER, ratio)
            for (where, network), goal in ALL_LAYERS.items():
                every = [r for r in ours if _everywhere(r) and (where, network) == _of(r)]
                what = f"maps of all grid layers ÷ bare forward pass, {framework}, batch {batch}"
                rows += _worst(what, every, goal, ratio)
            for at, goal in (("auto", SEVERAL_TARGETS), ("all", MANY_TARGETS)):
                several = [r for r in ours if r["row"].endswith(f"targets × {at} layers")]
                what = f"5 targets × {at} layers ÷ bare forward pass, {framework}, batch {batch}"
                rows += _worst(what, several, goal, ratio)
            strided = [r for r in ours if r["row"] == STRIDED]
            what = f"Grad-CAM of height × width × channels ÷ bare, {framework}, batch {batch}"
            rows += _worst(what, strided, AS_THEY_COME, ratio)
            for method, goal in OF_THE_HEAD.items():
                behind = [r for r in ours if r["row"] == f"{OURS}, {method}"]
                what = f"`{method}` at the auto layer ÷ bare forward pass, {framework}"
                rows += [] if goal is None else _worst(what, behind, goal, ratio)
        replays = [
            r
            for r in records
            if r["kind"] == "replay" and r["framework"] == framework and r["goal"]
        ]
        rows += _worst(
            f"replay of 16 activations at ResNet-50's last stage ÷ forward of 16, {framework}",
            replays,
            REPLAY,
            lambda x: f"1/{1 / x:.0f}",
        )
    rows += _aim(
        "largest difference of normalised Grad-CAM between frameworks",
        [(r["worst"], _where(r)) for r in records if r["kind"] == "difference"],
        AGREEMENT,
        "{:.1e}".format,
    )
    for r in (r for r in records if r["kind"] == "memory"):
        what = f"growth of memory over {r['images']} explained images, {r['framework']}"
        on_card = [(r["card_growth"], "on the card")] if r["card_growth"] else []
        found = [(r["growth"], _where(r)), *on_card]
        rows += _aim(what, found, MEMORY, "{:.1f} MB".format)
    for r in (r for r in records if r["kind"] == "starting"):
        loaded = f"imports {', '.join(r['imported'])}" if r["imported"] else "no framework imported"
        aim = _seconds(r["goal"]) if r["goal"] else ""
        verdict = _verdict(r["above"], r["goal"]) if r["goal"] and not r["imported"] else "MISSED"
        what = f"`{r['row']}` above bare Python"
        rows.append((what, aim, _seconds(r["above"]), loaded, verdict if aim else ""))
    for r in (r for r in records if r["kind"] == "overlay"):
        rows += _aim(
            "overlay of a 1920×1080 photograph",
            [(r["best"], f"median {_milliseconds(r['median'])}")],
            OVERLAY,
            _milliseconds,
        )
    return table(("what", "at most", "measured", "worst case", ""), rows)


def _everywhere(record: Record) -> bool:
    return record["row"].startswith(f"{OURS}, all ")


def _of(record: Record) -> tuple[str, str]:
    return record["framework"], record["network"]


def _worst(
    what: str, cases: Iterable[Record], goal: float, show: Callable[[float], str]
) -> list[Row]:
    """The worst ratio of shortest times; with it, the worst median of paired ratios."""
    cases = list(cases)
    if not cases:
        return []
    medians = max(r["median_ratio"] for r in cases)
    found = [(r["best_ratio"], f"{_where(r)}; median {show(medians)}") for r in cases]
    return _aim(what, found, goal, show)


def _aim(
    what: str, found: Sequence[tuple[float, str]], goal: float, show: Callable[[float], str]
) -> list[Row]:
    if not found:
        return []
    worst, where = max(found)
    return [(what, show(goal), show(worst), where, "ok" if worst <= goal else "MISSED")]


def _timings(records: Sequence[Record]) -> str:
    rows: list[Row] = []
    before = None
    for r in (r for r in records if _is(r, "timing")):
        case = r["network"], r.get("batch"), r.get("precision")
        if r["kind"] == "missing":
            what = "every row" if r["row"] == "timing" else r["row"]
            rows.append((*_case(r), what, f"did not run: {r['reason']}", *[""] * 4))
            continue
        if case != before:
            before = case
            bare = min(x["best_bare"] for x in records if _same_case(x, r))
            rows.append((*_case(r), "bare forward", _milliseconds(bare), "1", "1", "", ""))
        goal = r["goal"]
        rows.append(
            (
                *_case(r),
                r["row"],
                _milliseconds(r["best"]),
                f"{r['best_ratio']:.2f}",
                f"{r['median_ratio']:.2f}",
                "" if r["difference"] is None else f"{r['difference']:.0e}",
                "" if goal is None else _verdict(r["best_ratio"], goal),
            )
        )
    return table(
        ("network", "batch", "", "best", "÷ bare", "median of ÷", "differs from ours by", "aim"),
        rows,
    )


def _replays(records: Sequence[Record], titles: dict[str, str]) -> str:
    return table(
        ("", "", "replay", "forward", "÷", "median of ÷", "aim"),
        [
            (
                titles[r["framework"]],
                r["row"],
                _milliseconds(r["best"]),
                _milliseconds(r["best_bare"]),
                f"1/{1 / r['best_ratio']:.0f}",
                f"1/{1 / r['median_ratio']:.0f}",
                "" if r["goal"] is None else _verdict(r["best_ratio"], r["goal"]),
            )
            for r in records
        ],
    )


def _differences(records: Sequence[Record]) -> str:
    return table(
        ("network", "", "largest difference", ""),
        [
            (
                SUBJECTS[r["network"]].title,
                r["row"],
                f"{r['worst']:.1e}",
                _verdict(r["worst"], r["goal"]),
            )
            for r in records
        ],
    )


def _missing(records: Sequence[Record]) -> str:
    return table(
        ("", "", "network", "did not run:"),
        [
            (
                r.get("framework", ""),
                r["row"],
                SUBJECTS[r["network"]].title if r.get("network") else "",
                r["reason"],
            )
            for r in records
        ],
    )


def _is(record: Record, kind: str) -> bool:
    return kind in (record["kind"], record.get("of"))


def _case(record: Record) -> tuple[str, str]:
    return _subject(record), str(record.get("batch", ""))


def _same_case(one: Record, other: Record) -> bool:
    return all(one.get(key) == other[key] for key in ("kind", "network", "batch", "precision"))


def _where(record: Record) -> str:
    subject = _subject(record)
    return f"{subject}, {record['row']}" if record["kind"] == "difference" else subject


def _subject(record: Record) -> str:
    """Network, and its precision where that is another than usual."""
    title, precision = SUBJECTS[record["network"]].title, record.get("precision", "float32")
    return title if precision == "float32" else f"{title}, {precision}"


def _verdict(measured: float, goal: float) -> str:
    return "ok" if measured <= goal else "MISSED"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds * 1000:.0f} ms"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"


def table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(x.replace("|", "∣") for x in line) + " |" for line in lines)
