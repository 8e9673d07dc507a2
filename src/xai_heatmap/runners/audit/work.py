"""Work of an audit: one picture after the other, then one drawn network after the other."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xai_heatmap.core.errors import (
    BadOption,
    InputError,
    ModelFailed,
    NonFiniteScores,
    XaiHeatmapError,
)
from xai_heatmap.core.network import INPUT
from xai_heatmap.core.tested import ALPHA
from xai_heatmap.explaining.auditing.picture import Auditor, Facts, like_record
from xai_heatmap.explaining.auditing.weights import Redraw, Shuffling, parts_of, redraws
from xai_heatmap.metrics.parts.agreement import OfCopies, flat, share_as_good
from xai_heatmap.metrics.parts.blocks import Blocks, blocks_of
from xai_heatmap.metrics.parts.halving import halves
from xai_heatmap.runners.audit.folder import AuditFolder, read_json, write_json
from xai_heatmap.runners.batch.meter import Meter
from xai_heatmap.runners.failing import running
from xai_heatmap.sources.listing.entry import Entry

OWN = (InputError, NonFiniteScores, ModelFailed)
"""Errors that belong to one picture; any other ends the audit."""

Read = Callable[[Entry], Any]


@dataclass
class Work:
    """Work on an audit.

    Parameters
    ----------
    folder
        Where what is finished lies.
    auditor
        The checks of one picture.
    read
        Function from an entry to its picture.
    meter
        Counts what is done.
    """

    folder: AuditFolder
    auditor: Auditor
    read: Read
    meter: Meter

    def pictures(self) -> list[Facts]:
        """What was found of every picture, those of an audit before this one included."""
        done, found = self.folder.done(), []
        closer = set(self.folder.closer)
        for number, entry in enumerate(self.folder.entries):
            path = self.folder.picture(number)
            if path.name not in done:
                facts = self._picture(entry, closer=number in closer)
                write_json(path, facts)
                self.meter.more(number, 1, int(facts["error"] is not None))
                self.meter.finished(number)
            found.append(read_json(path))
        return found

    def _picture(self, entry: Entry, *, closer: bool) -> Facts:
        start = time.perf_counter()
        head: Facts = {"id": entry.id, "uri": entry.uri, "label": entry.label, "error": None}
        try:
            picture = self.read(entry)
            with running(self.auditor.network.name):
                head |= self.auditor.record(picture, closer=closer)
        except OWN as error:
            head["error"] = {"code": error.code, "message": str(error)}
        except MemoryError as error:
            head["error"] = {"code": InputError.code, "message": f"Memory ended: {error}"}
        return head | {"seconds": round(time.perf_counter() - start, 3)}

    def networks(self, pictures: Sequence[Facts]) -> list[Facts]:
        """What maps of networks with weights drawn again are like, one network in memory at a
        time.
        """
        planned, done = self.planned(), self.folder.done()
        number, found = len(self.folder.entries), []
        for place, redraw in enumerate(planned):
            path = self.folder.file(f"weights-{redraw.name}")
            if path.name not in done:
                write_json(path, self._network(redraw, pictures))
                self.meter.more(number + place, 1, 0)
                self.meter.finished(number + place)
            found.append(read_json(path))
        return found

    def planned(self) -> list[Redraw]:
        """Networks that are drawn."""
        layers = [name for name in self.auditor.asked.opened if name != INPUT]
        return redraws(layers) if self.folder.closer else []

    def _network(self, redraw: Redraw, pictures: Sequence[Facts]) -> Facts:
        head: Facts = {
            "name": redraw.name, "kind": redraw.kind, "said": redraw.said,
            "parts": sorted(redraw.parts), "weights": 0, "error": None, "maps": [],
        }  # fmt: skip
        auditor = self.auditor
        wanted = [n for n in self.folder.closer if pictures[n]["error"] is None]
        if not wanted:
            return head | {"error": "No picture was answered."}
        try:
            entries = self.folder.entries
            given = [auditor.prepare(self.read(entries[number])) for number in wanted]
            survey = auditor.network.survey(given[0].x.shape)
            parts = parts_of(survey, auditor.asked.opened)
            draw = Shuffling(parts, redraw.parts, auditor.seed)
            other = Auditor(
                auditor.network.redrawn(draw), auditor.asked, auditor.prepare, auditor.labels,
                auditor.passes, auditor.seed,
            )  # fmt: skip
        except (BadOption, InputError) as error:
            return head | {"error": str(error)}
        head["weights"] = draw.drawn
        for number, one in zip(wanted, given, strict=True) if draw.drawn else ():
            try:
                with running(auditor.network.name):
                    found = other.patches(one, pictures[number]["index"])
            except XaiHeatmapError:
                continue  # numbers overflow in some networks of drawn weights
            head["maps"].append(_held_against(found, pictures[number], one.x.shape[1:], auditor))
        return head


def _held_against(
    found: Mapping[str, list[float]], picture: Facts, image: Sequence[int], auditor: Auditor
) -> Facts:
    """How like each map of a drawn network is to the network's own, and whether it passes the own
    network's test.
    """
    own = picture["maps"]
    likeness = like_record({name: facts["patches"] for name, facts in own.items()}, found)
    blocks, odd = blocks_of(image), np.array(picture.get("odd", ()))
    of_copies = None
    if len(odd):
        of_copies = OfCopies(halves(blocks, len(odd), seed=auditor.seed), odd)
    passes = {name: _passes(found[name], own[name], blocks, of_copies) for name in likeness}
    return {name: {"like": likeness[name], "passes": passes[name]} for name in likeness}


def _passes(
    values: Sequence[float], own: Facts, blocks: Blocks, of_copies: OfCopies | None
) -> bool | None:
    """Whether patches predict what moved the score of a picture, as its own map was tested; None
    where nothing could be told of it.
    """
    if own["agreement"] is None or of_copies is None:
        return None
    patches = np.array(values).reshape(blocks.patches)
    if flat(patches):
        return False
    found = of_copies(patches)
    told = share_as_good(found) <= ALPHA and found[0] > 0
    return bool(told and found[0] > max(own["edges"], own["centre"]))
