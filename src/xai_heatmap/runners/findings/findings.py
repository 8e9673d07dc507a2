"""Findings of a run: which of a network's classes rest on what, tested class by class."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xai_heatmap import networks
from xai_heatmap.core.errors import BadOption, InputError, OutputError, did_you_mean
from xai_heatmap.core.network import INPUT, Network
from xai_heatmap.core.plain import plain
from xai_heatmap.explaining.preparing import Preparing
from xai_heatmap.runners.batch.stored import StoredRun, open_run
from xai_heatmap.runners.findings.beside import (
    EACH,
    Alike,
    Confused,
    Verdicts,
    alike,
    confused,
    plain_gone,
    verdicts,
)
from xai_heatmap.runners.findings.choosing import Chosen, chosen, named
from xai_heatmap.runners.findings.examining import LEAST, Examined, examined
from xai_heatmap.runners.findings.finding import Finding, judged
from xai_heatmap.runners.findings.keeping import FORMAT, Kept
from xai_heatmap.runners.findings.page import page
from xai_heatmap.runners.findings.regions import Inside, Outside, inside, regions_in
from xai_heatmap.runners.findings.reopening import reopened
from xai_heatmap.runners.findings.subjects import Looker, Subject
from xai_heatmap.runners.local import surveyed
from xai_heatmap.sinks.refused import advice, reason
from xai_heatmap.sinks.store.parts import whole

OTHERS = 96
"""Pictures of all classes that pieces are put into."""

Tell = Callable[[int, int, str], object]
"""Callback for so many pictures and groups of so many, and what is at work."""


@dataclass(frozen=True)
class Findings:
    """Findings of a run.

    Parameters
    ----------
    run, network
        Of which run, and of which network.
    findings
        Groups in their order: claimed shortcuts first, then what hangs on them.
    rows, errors, looked
        Pictures of the run, those without a map, those that were looked into.
    small
        Classes of which no group has enough pictures.
    gone
        Why pictures can't be had any more, by their ids; the first of them.
    missing
        How many there are.
    waiting
        Pictures of the run that are not done yet.
    verdicts, confused, alike
        What stands beside the groups.
    inside, outside
        Heat inside the regions, where these are given.
    """

    run: str
    network: str
    findings: tuple[Finding, ...]
    rows: int
    errors: int
    looked: int
    small: tuple[str, ...] = ()
    gone: dict[str, str] = field(default_factory=dict[str, str])
    missing: int = 0
    waiting: int = 0
    verdicts: tuple[Verdicts, ...] = ()
    confused: tuple[Confused, ...] = ()
    alike: tuple[Alike, ...] = ()
    inside: tuple[Inside, ...] = ()
    outside: tuple[Outside, ...] = ()

    @property
    def shortcuts(self) -> tuple[Finding, ...]:
        """Findings that claim a shortcut."""
        return tuple(one for one in self.findings if one.shortcut)

    def facts(self, *, pictures: bool = True) -> dict[str, Any]:
        """All of it in plain values; without the small pictures if these are not wanted."""
        made = [
            {**_plain(one, pictures), "falls": one.falls, "says": one.sentences()}
            for one in self.findings
        ]
        told = asdict(self) | {"findings": made, "shortcuts": len(self.shortcuts)}
        if not pictures:
            for pair in told["confused"]:
                pair["tiles"] = [{"id": tile["id"]} for tile in pair["tiles"]]
        return plain({"kind": "findings", "format": FORMAT, **told})

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``findings.html``, one page that needs nothing else, and ``findings.json``.

        Raises
        ------
        OutputError
            Where that is not possible.
        """
        place = Path(folder)
        text = json.dumps(self.facts(pictures=False), ensure_ascii=False, indent=1, allow_nan=False)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"The folder {str(place)!r} can't be made: {reason(error)}. {advice(error)}"
            ) from error
        written = {"findings.html": page(self), "findings.json": text + "\n"}
        for name, said in written.items():
            own = said.encode("utf-8", "replace")
            whole(place / name, lambda file, own=own: file.write(own))
        return [place / name for name in written]


def findings(
    run: str | os.PathLike[str] | StoredRun,
    model: Any = None,
    *,
    preprocess: Preparing = None,
    regions: str | os.PathLike[str] | None = None,
    classes: Sequence[str | int] = (),
    most: int = 100,
    listen: Tell | None = None,
) -> Findings:
    """Findings of a run: what lies under the heat of each class, grouped, and tested by hiding it
    and by putting it into pictures of other classes.

    The pictures are read again, at most so many a class. A class that is finished is kept in the
    run's folder, so that the same call goes on where it was stopped.

    Parameters
    ----------
    run
        A run of `batch` over pictures, or its folder.
    model
        As for `xai_heatmap.network`, where the run does not say it: one that was begun with an
        object.
    preprocess
        As for `batch`, where it was an object there.
    regions
        A table (``.csv``, ``.parquet``) with the column id and left, top, right, bottom in pixels
        of the picture, or mask, a path: says how much heat lies inside.
    classes
        Names or numbers of those to look into; all of them where there are none.
    most
        Pictures of a class that are looked into.
    listen
        Is told of pictures and groups done, of how many, and of what is at work.

    Raises
    ------
    BadOption
        For a run without maps of classes, or of another model than this one.
    InputError
        If none of the pictures can be had any more.
    OutputError
        If the folder is no run, or one of another version.
    """
    if most < LEAST:
        raise BadOption(f"most is at least {LEAST}, the fewest pictures of a group; it is {most}.")
    stored = run if isinstance(run, StoredRun) else open_run(run)
    table = None if regions is None else regions_in(regions)
    found = chosen(stored, most=most, others=OTHERS, shown=EACH)
    wanted = _wanted(found, classes)
    opened = None if model is None or isinstance(model, str | os.PathLike) else model
    own = reopened(
        stored, None if opened is None else networks.network(opened),
        named=None if opened is not None or model is None else os.fspath(model),
        preprocess=preprocess,
    )  # fmt: skip
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8), "reading") as pool:
        layer = _layer(own.network, surveyed(own.network, own.job).layers, stored)
        looker = Looker(stored, own.network, found, own.prepared, pool, layer, own.job.batch)
        every = list(_examined(stored, wanted, looker, most=most, tell=listen or _nobody))
        pairs = confused(found, own.ask, looker)
    looked = sum(one.looked for one in every)
    if not looked:
        raise InputError(
            f"None of the pictures of {stored!r} can be had any more: "
            f"{next(iter(looker.gone.values()), 'no reason is known')} Findings read them again; "
            "put them back where the run found them."
        )
    held = ([], []) if table is None else inside(stored, found, table)
    return Findings(
        run=str(stored.folder.path), network=own.network.name,
        findings=tuple(
            judged([(found.name(e.index), e.index, group) for e in every for group in e.groups])
        ),
        rows=found.rows, errors=found.errors, looked=looked,
        small=tuple(found.name(one.index) for one in every if not one.groups),
        gone=plain_gone(looker.gone), missing=len(looker.gone),
        waiting=stored.status.waiting,
        verdicts=tuple(verdicts(found)), confused=tuple(pairs),
        alike=tuple(alike(every, found.name)), inside=tuple(held[0]), outside=tuple(held[1]),
    )  # fmt: skip


def _wanted(found: Chosen, classes: Sequence[str | int]) -> list[int]:
    """Numbers of the classes to look into."""
    if not classes:
        return list(found.of)
    numbers: list[int] = []
    for one in classes:
        number = one if isinstance(one, int) else found.number(one)
        if number is None or number not in found.of:
            names = [found.name(index) for index in found.of]
            raise BadOption(
                f"No picture of the run is predicted as {one!r}."
                f"{did_you_mean(str(one), names)} There are {named(names)}."
            )
        numbers.append(number)
    return numbers


def _layer(network: Network, layers: Any, run: StoredRun) -> str | None:
    """The layer whose features describe what lies under the heat: that of the maps, if it has
    features on the maps' grid.
    """
    row = next((row for row in run.rows(("layer", "map_shape", "error")) if not row["error"]), None)
    name = None if row is None else row["layer"]
    known = layers.get(name)
    fits = known is not None and row is not None and known.grid == tuple(row["map_shape"])
    return name if fits and name != INPUT else None


def _examined(
    run: StoredRun, wanted: Sequence[int], looker: Looker, *, most: int, tell: Tell
) -> Iterator[Examined]:
    """Every class, from the folder where it is finished there."""
    kept = Kept(run.folder, [looker.found.rows, most, looker.layer])
    total = sum(len(looker.found.of[index]) for index in wanted)
    done = 0
    others: list[Subject] | None = None
    for index in wanted:
        rows = looker.found.of[index]
        at = _Told(tell, done, total, looker.found.name(index))
        one = kept.read(index)
        if one is None:
            if others is None:
                tell(done, total, "pictures of all classes")
                others = looker.subjects(looker.found.others, _nobody)
            subjects = looker.subjects(rows, at.more)
            one = examined(subjects, index, others, looker)
            if len(subjects) == len(rows):  # what is gone may come back
                kept.write(one)
        done += len(rows)
        tell(done, total, at.name)
        yield one


@dataclass
class _Told:
    """Tells how far the pictures of a class are."""

    tell: Tell
    start: int
    total: int
    name: str
    done: int = 0

    def more(self, count: int) -> None:
        """So many pictures more."""
        self.done += count
        self.tell(min(self.start + self.done, self.total), self.total, self.name)


def _plain(one: Finding, pictures: bool) -> dict[str, Any]:
    told = asdict(one)
    if not pictures:
        tiles = told["group"]["tiles"]
        told["group"]["tiles"] = [
            {name: tile[name] for name in ("id", "label", "prediction")} for tile in tiles
        ]
    return told


def _nobody(*_: object) -> None:
    pass
