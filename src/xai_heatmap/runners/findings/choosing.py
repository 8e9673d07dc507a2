"""Rows of a run that are looked into, chosen class by class, and what is counted over all."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from xai_heatmap.core.errors import BadOption
from xai_heatmap.runners.batch.stored import StoredRun
from xai_heatmap.sinks.store.rows import Row

COLUMNS = (
    *("id", "uri", "label", "prediction", "probability", "top", "target_index", "score"),
    *("verdict", "error", "box", "matrix", "image_size", "layer"),
    *("map", "map_type", "map_low", "map_high", "map_shape"),
)
"""Columns of a run that findings read."""

PAIRS = 1000
"""Confused pairs of which pictures are kept, at least."""


@dataclass
class Chosen:
    """Rows of a run that are looked into, and what was counted over all of them.

    Parameters
    ----------
    classes
        Names of the classes.
    of
        Rows whose map is about a class and which are predicted as it, by the class's number.
    others
        Rows of all classes, as evenly as there are any, to try pieces on.
    counts, labelled, right, verdicts, confused
        Pictures predicted as a class; labelled as a class; both; verdicts of each class; pairs of
        label and prediction that differ.
    rows, errors
        How many there are, and how many have no map.
    """

    classes: list[str]
    of: dict[int, list[Row]] = field(default_factory=dict[int, list[Row]])
    others: list[Row] = field(default_factory=list[Row])
    counts: Counter[int] = field(default_factory=Counter[int])
    labelled: Counter[int] = field(default_factory=Counter[int])
    right: Counter[int] = field(default_factory=Counter[int])
    verdicts: dict[int, Counter[str]] = field(default_factory=dict[int, Counter[str]])
    confused: dict[tuple[int, int], list[Row]] = field(
        default_factory=dict[tuple[int, int], list[Row]]
    )
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter[tuple[int, int]])
    rows: int = 0
    errors: int = 0

    def name(self, index: int) -> str:
        """Name of a class."""
        return self.classes[index] if index < len(self.classes) else f"class {index}"

    def number(self, label: str | None) -> int | None:
        """Number of the class that a label names; None where it names none."""
        if label is None:
            return None
        if label in self.classes:
            return self.classes.index(label)
        return int(label) if label.isdecimal() else None


def chosen(run: StoredRun, *, most: int, others: int, shown: int) -> Chosen:
    """The rows to look into: of every class as many as are wanted, by chance that is the same every
    time; one pass over the rows, of which no more than these are kept.

    Raises
    ------
    BadOption
        For a run without a map, or of maps that lie on no picture.
    """
    found = Chosen(list(run.folder.facts["classes"]))
    heaps: dict[int, list[tuple[int, str, Row]]] = {}
    spread: dict[int, list[tuple[int, str, Row]]] = {}
    for row in run.rows(COLUMNS):
        found.rows += 1
        if row["error"] is not None or not row["top"]:
            found.errors += row["error"] is not None
            continue
        if len(row["map_shape"]) != 2 or row["box"] is None or row["target_index"] is None:
            raise BadOption(
                f"Findings are about classes of pictures; {row['id']!r} of {run!r} was not "
                "explained for one. Make a run with --target top1."
            )
        _counted(found, row, shown)
        predicted = row["top"][0]
        about = row["target_index"] == predicted
        kept = (heaps if about else spread).setdefault(predicted, [])
        _kept(kept, row, most if about else others)
    found.of = {index: _rows(heap) for index, heap in sorted(heaps.items())}
    every = [_rows(heap) for own in (heaps, spread) for _, heap in sorted(own.items())]
    found.others = _evenly(every, others)
    if not found.of:
        raise BadOption(
            f"{run!r} has no map of a predicted class, so nothing can be found in it. "
            "`xai-heatmap batch status RUN` says why; make a run with --target top1."
        )
    return found


def _counted(found: Chosen, row: Row, shown: int) -> None:
    predicted, label = row["top"][0], found.number(row["label"])
    found.counts[predicted] += 1
    found.verdicts.setdefault(predicted, Counter())[row["verdict"]] += 1
    if label is None:
        return
    found.labelled[label] += 1
    if label == predicted:
        found.right[label] += 1
        return
    found.pairs[label, predicted] += 1
    kept = found.confused.setdefault((label, predicted), [])
    if len(kept) < shown:
        kept.append(row)
    if len(found.confused) > 2 * PAIRS:  # of the rarest pairs none is kept, but how many there are
        common = found.pairs.most_common(PAIRS)
        found.confused = {pair: found.confused.get(pair, []) for pair, _ in common}


def _kept(heap: list[tuple[int, str, Row]], row: Row, most: int) -> None:
    """Keep a row, if its lot is among the lowest; the heap's first is the highest."""
    digest = hashlib.blake2b(row["id"].encode(), digest_size=6).digest()
    heapq.heappush(heap, (-int.from_bytes(digest), row["id"], row))
    if len(heap) > most:
        heapq.heappop(heap)


def _rows(heap: list[tuple[int, str, Row]]) -> list[Row]:
    return [row for _, _, row in sorted(heap, key=lambda own: (-own[0], own[1]))]


def _evenly(lists: Sequence[list[Row]], most: int) -> list[Row]:
    """One of each list after the other, until there are enough."""
    found: list[Row] = []
    for place in range(most):
        for own in lists:
            if place < len(own) and len(found) < most:
                found.append(own[place])
    return found


def named(names: Sequence[str]) -> str:
    """The first dozen names, told apart where they hold commas themselves.

    >>> named(["goldfish, Carassius auratus", "cock"])
    'goldfish, Carassius auratus; cock'
    """
    shown = names[:12]
    between = "; " if any("," in name for name in shown) else ", "
    return between.join(shown) + (" and others" if len(names) > len(shown) else "")
