"""Scores of one image with their task, scale and layout, from which a target is chosen."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np

from xai_heatmap.core.arrays import ScoreRow, Scores
from xai_heatmap.core.boxes.spec import BoxForm
from xai_heatmap.core.shapes import Float32, Int
from xai_heatmap.core.targets.classes import class_index, class_label, ranking

Known = TypeVar("Known")
Kind = Literal["classes", "labels", "values", "boxes"]
"""Kind of a network's answer: classes that exclude each other, labels that do not, plain values, or
boxes with labels."""

Meaning = Literal["logits", "probabilities", "log-probabilities", "log-odds", "values"]
"""Meaning of the numbers that a recording calls scores; of a detector, of what is made of them."""


@dataclass(frozen=True)
class Form:
    """Layout of a row of scores.

    Parameters
    ----------
    grid
        Axes of the places that each class has a score at, ``()`` for one score a class. Scores come
        class by class, and within a class place by place.
    boxes
        How the rest of the row is read where the places are boxes; None where they are not.
    steps
        Whether the places are steps of a sequence that lie nowhere on what is explained.
    classes_last
        Whether the network itself answers place by place, ``(images, steps, classes)``.
    names
        Of the numbers, where those of several outputs stand side by side: ``breed[3]``.
    """

    grid: tuple[int, ...] = ()
    boxes: BoxForm | None = None
    steps: bool = False
    classes_last: bool = field(default=False, compare=False)
    names: tuple[str, ...] = field(default=(), compare=False)

    @property
    def places(self) -> int:
        """Number of scores of each class."""
        return math.prod(self.grid)

    def native(self, rows: Scores) -> Float32[np.ndarray, "n ..."]:
        """Rows in the axes in which the network answers them."""
        units = self.classes(rows.shape[1])
        own = rows.reshape(len(rows), units, *self.grid)
        return np.moveaxis(own, 1, -1) if self.classes_last else own

    def row(self, native: Float32[np.ndarray, "n ..."], numbers: int) -> Scores:
        """Rows of so many numbers, from an answer in the network's own axes."""
        own = np.asarray(native, np.float32)
        own = np.moveaxis(own, -1, 1) if self.classes_last and own.ndim > 1 else own
        return own.reshape(len(own), -1) if own.size == len(own) * numbers else own

    def classes(self, numbers: int) -> int:
        """Number of classes in a row of so many numbers; 1 for a single unit."""
        return numbers // self.places - (self.boxes.beside if self.boxes else 0)


ROW = Form()
"""One score a class."""


@dataclass(frozen=True)
class Seen:
    """Part of the picture that the scores' places lie over, axis by axis.

    Parameters
    ----------
    size
        Of the picture that regions are given in.
    spans
        Where the places begin and end on each of its axes.
    """

    size: tuple[int, ...]
    spans: tuple[tuple[float, float], ...]


@runtime_checkable
class Answering(Protocol):
    """Rows of scores with how they are read, as a recording has them."""

    @property
    def scores(self) -> Scores:
        """One row an image."""
        ...

    @property
    def form(self) -> Form:
        """Layout of a row."""
        ...

    @property
    def meaning(self) -> Meaning:
        """Scale of the scores."""
        ...


@dataclass(frozen=True)
class Answer:
    """Scores of a network for one image, and how to read them.

    Parameters
    ----------
    scores
        One row, as the recording has it.
    labels
        Names of the classes, empty where unknown.
    form
        How the row is read.
    kind, meaning
        What the numbers are.
    seen
        What the places lie over; None: what is known of them is their grid alone.
    """

    scores: ScoreRow
    labels: Sequence[str] = ()
    form: Form = ROW
    kind: Kind = "classes"
    meaning: Meaning = "logits"
    seen: Seen | None = None
    _known: dict[str, Any] = field(
        init=False, default_factory=dict[str, Any], compare=False, repr=False
    )

    def once(self, what: str, made: Callable[[], Known]) -> Known:
        """What was made of this answer under that name, made when first asked for."""
        if what not in self._known:
            self._known[what] = made()
        return self._known[what]

    @property
    def units(self) -> int:
        """Number of scores at each place."""
        return self.form.classes(len(self.scores))

    @property
    def single(self) -> bool:
        """Whether one unit stands for two classes, against (0) and for (1)."""
        return self.units == 1 and self.kind not in ("values", "boxes")

    @property
    def classes(self) -> int:
        """Number of classes to explain; a single unit has two, against (0) and for (1)."""
        return 2 if self.single else self.units

    @property
    def per_place(self) -> Float32[np.ndarray, "classes places"]:
        """The scores, one row a class."""
        scores = self.scores[: self.units * self.form.places]
        return scores.reshape(self.units, self.form.places)

    @property
    def winners(self) -> Int[np.ndarray, " places"]:
        """The class that each place is of."""
        own = self.per_place
        return (own[0] > 0).astype(np.int64) if self.single else own.argmax(axis=0)

    def label(self, index: int) -> str:
        """The name of a class."""
        if self.kind == "values" and index >= len(self.labels):
            return "the value" if self.units == 1 else f"value {index}"
        return class_label(index, self.labels, single=self.single)

    def index(self, which: int | str) -> int:
        """The number of a class; a name may also be the one that is shown where there are no
        others, such as ``for`` and ``class 3``.
        """
        if isinstance(which, str) and len(self.labels) < self.classes:
            shown = [self.label(index).casefold() for index in range(self.classes)]
            if which.casefold().strip() in shown:
                return shown.index(which.casefold().strip())
        return class_index(which, count=self.classes, labels=self.labels)

    def ranking(self) -> list[int]:
        """Classes from the highest score to the lowest; by the places they win where there are
        several, ties by their mean score.
        """
        if self.form == ROW:
            return ranking(self.scores)
        shares = np.bincount(self.winners, minlength=self.classes)
        mean = self.per_place.mean(axis=1)
        means = np.array([-mean[0], mean[0]]) if self.single else mean
        return np.lexsort((-means, -shares)).tolist()

    def at(self, row: ScoreRow) -> "Answer":
        """Answer at one place alone, with the scores of that place."""
        return replace(self, scores=row, form=ROW, seen=None)
