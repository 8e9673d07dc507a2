"""One shard of a run: its pictures are read, explained and written, once."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from xai_heatmap.core.errors import (
    EndsItsProcess,
    InputError,
    ModelFailed,
    NonFiniteScores,
    XaiHeatmapError,
)
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.runners.batch.asking import Asking
from xai_heatmap.runners.batch.crumbs import Crumbs
from xai_heatmap.runners.batch.drawn import Drawing
from xai_heatmap.runners.failing import running
from xai_heatmap.sinks.store.levels import packed
from xai_heatmap.sinks.store.rows import Row, failed
from xai_heatmap.sources.listing.entry import Entry

OWN = (InputError, NonFiniteScores, ModelFailed)
"""Errors that belong to one picture; any other ends the run."""

Read = Callable[[Entry], Any]
"""Function from an entry to its picture."""

Tell = Callable[[int, int], None]
"""Callback for so many rows more, of which so many are errors."""


@dataclass
class _Slot:
    """One picture on its way."""

    place: int
    entry: Entry
    given: PreparedInput | None = None
    answer: Explanation | XaiHeatmapError | None = None
    seconds: float = 0.0


@dataclass
class ShardTask:
    """Work on the shards of one process.

    Parameters
    ----------
    asking
        What is asked of every picture.
    read
        Reads one.
    pool
        Threads that read and prepare pictures.
    drawing
        Files beside the rows, where they are wanted.
    most
        Pictures that go through the network together; fewer once memory has ended.
    """

    asking: Asking
    read: Read
    pool: Executor
    drawing: Drawing
    most: int = field(init=False)

    def __post_init__(self) -> None:
        self.most = self.asking.job.batch

    def rows(self, entries: Sequence[Entry], crumbs: Crumbs, tell: Tell) -> list[Row]:
        """A row for each entry, in their order.

        Which pictures go through the network together depends on their places alone, so that a
        shard that is done again gives the same numbers.
        """
        found: list[Row] = []
        for slots in self._ahead(entries, crumbs):
            self._explained(slots, crumbs)
            made = [self._row(slot) for slot in slots]
            found += made
            for slot in slots:
                slot.answer = None  # with it goes the picture
            tell(len(made), sum("error" in row for row in made))
        crumbs.step("write", 0)
        return found

    def _ahead(self, entries: Sequence[Entry], crumbs: Crumbs) -> Iterator[list[_Slot]]:
        """Batches of prepared pictures; the next ones are prepared meanwhile, no more than two."""
        size = self.asking.job.batch
        slots = [_Slot(place, entry) for place, entry in enumerate(entries)]
        batches = [slots[start : start + size] for start in range(0, len(slots), size)]
        if crumbs.careful:
            for batch in batches:
                for slot in batch:
                    self._prepare(slot, crumbs)
                yield batch
            return
        waiting: deque[tuple[list[_Slot], list[Future[None]]]] = deque()
        try:
            for batch in batches:
                jobs = [self.pool.submit(self._prepare, slot, crumbs) for slot in batch]
                waiting.append((batch, jobs))
                if len(waiting) > 2:
                    yield _done(*waiting.popleft())
            while waiting:
                yield _done(*waiting.popleft())
        finally:
            for _, jobs in waiting:
                for job in jobs:
                    job.cancel()

    def _prepare(self, slot: _Slot, crumbs: Crumbs) -> None:
        start = time.perf_counter()
        try:
            if crumbs.blamed(slot.place):
                raise EndsItsProcess(
                    f"{slot.entry.uri!r} ended every process that took it, so it was left out."
                )
            crumbs.step("read", slot.place)
            slot.given = self.asking.prepared(self.read(slot.entry))
        except OWN as error:
            slot.answer = error
        except MemoryError as error:
            slot.answer = InputError(f"{slot.entry.uri!r} needs more memory than there is: {error}")
        slot.seconds = time.perf_counter() - start

    def _explained(self, slots: Sequence[_Slot], crumbs: Crumbs) -> None:
        """Fill in the answers of a batch: pictures of one shape together, in their order."""
        shapes: dict[tuple[int, ...], list[_Slot]] = {}
        for slot in slots:
            if slot.given is not None:
                shapes.setdefault(slot.given.x.shape, []).append(slot)
        for own in shapes.values():
            start = time.perf_counter()
            first = own[0].place
            if crumbs.apart(first):
                for slot in own:
                    crumbs.step("one", slot.place)
                    self._together([slot])
            if not crumbs.alone(first):
                crumbs.step("again" if crumbs.apart(first) else "batch", first)
                self._together(own)
            share = (time.perf_counter() - start) / len(own)
            for slot in own:
                slot.seconds += share
                self._drawn(slot)
                slot.given = None

    def _together(self, slots: Sequence[_Slot]) -> None:
        """Explain pictures in portions that memory holds."""
        start = 0
        while start < len(slots):
            portion = slots[start : start + self.most]
            try:
                self._isolated(portion)
            except Exception as error:
                if len(portion) < 2 or not out_of_memory(error):
                    raise
            else:
                start += len(portion)
                continue
            self.most = len(portion) // 2  # the error, and what it held, are gone here

    def _isolated(self, slots: Sequence[_Slot]) -> None:
        """Explain pictures together; where one of them fails, find out which."""
        try:
            with running(self.asking.network.name):
                answers = self.asking.ask([slot.given for slot in slots if slot.given is not None])
        except Exception as error:
            ended = out_of_memory(error)
            if not (ended or isinstance(error, OWN)) or (ended and len(slots) > 1):
                raise
            if len(slots) == 1:
                own = isinstance(error, XaiHeatmapError)
                slots[0].answer = error if own else ModelFailed(f"Memory ended: {error}")
                return
        else:
            for slot, answer in zip(slots, answers, strict=True):
                slot.answer = answer
            return
        half = len(slots) // 2
        self._isolated(slots[:half])
        self._isolated(slots[half:])

    def _drawn(self, slot: _Slot) -> None:
        if isinstance(slot.answer, Explanation):
            self.drawing(slot.entry.id, slot.answer)

    def _row(self, slot: _Slot) -> Row:
        entry, answer = slot.entry, slot.answer
        head: Row = {"id": entry.id, "uri": entry.uri, "label": entry.label}
        if isinstance(answer, Explanation):
            return head | _facts(answer, self.asking.job.maps) | {"seconds": slot.seconds}
        return failed(head, answer or ModelFailed("Nothing came out."), seconds=slot.seconds)


def _done(slots: list[_Slot], jobs: Sequence[Future[None]]) -> list[_Slot]:
    for job in jobs:
        job.result()
    return slots


def _facts(one: Explanation, maps: str) -> Row:
    """Columns of an explanation."""
    kept, likely, seen = packed(one.map, maps), one.predictions, one.geometry
    return {
        "prediction": likely[0].label if likely else None,
        "probability": likely[0].probability if likely else None,
        "top": [each.index for each in likely],
        "top_probability": [each.probability for each in likely],
        "target": one.target,
        "target_index": one.index,
        "score": one.score,
        "verdict": one.verdict.word,
        "verdict_figure": one.verdict.figure,
        "method": one.method,
        "layer": one.layer.name,
        "map": kept.data,
        "map_type": kept.kind,
        "map_low": kept.low,
        "map_high": kept.high,
        "map_shape": kept.shape,
        "signed": one.signed,
        "meaning": one.meaning,
        "layer_kind": one.layer.kind,
        "layer_shape": list(one.layer.shape),
        "image_size": list(one.image.shape[:2]),
        "box": None if seen is None else list(seen.box),
        "input_size": None if seen is None else list(seen.input_size),
        "extent": None if one.extent is None else [end for ends in one.extent for end in ends],
        "matrix": None if seen is None or seen.matrix is None else list(seen.matrix),
    }
