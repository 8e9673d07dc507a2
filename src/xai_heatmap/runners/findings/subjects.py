"""Subjects: pictures of a run, read again and looked into."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.errors import BadOption, InputError
from xai_heatmap.core.network import Network
from xai_heatmap.core.targets.classes import both
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.runners.batch.stored import StoredRun
from xai_heatmap.runners.failing import running
from xai_heatmap.runners.findings.choosing import Chosen
from xai_heatmap.runners.findings.pieces import Piece, Window, heat_of, pieces
from xai_heatmap.runners.findings.shown import thumbnail
from xai_heatmap.sinks.store.rows import Row


@dataclass
class Subject:
    """One picture of a run, looked into again.

    Parameters
    ----------
    row
        Its row.
    predicted, label
        Numbers of its classes; the label is None where nobody says one of the network's.
    heat
        Its map as shares of 1.
    x
        What the network takes.
    image
        What the network saw of the picture, small.
    pieces, features
        The hottest windows, and what the layer holds there (pieces, k).
    scores
        Of every class.
    """

    row: Row
    predicted: int
    label: int | None
    heat: np.ndarray
    x: Input
    image: Image
    pieces: list[Piece] = field(default_factory=list[Piece])
    features: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    scores: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def pixels(self, window: Window) -> Window:
        """A window of the map, in pixels of the input."""
        rows, columns = self.heat.shape
        return window.drawn_out((rows, columns), (self.x.shape[1], self.x.shape[2]))


@dataclass
class Looker:
    """Looks into pictures of a run again.

    Parameters
    ----------
    run, network, classes
        Which.
    prepared
        Makes a picture the network's input.
    pool
        Threads that read pictures.
    layer
        Where what lies under the heat is described; None: by its pixels.
    size
        Pictures that go through the network together.
    gone
        Why pictures can't be had, by their ids.
    """

    run: StoredRun
    network: Network
    found: Chosen
    prepared: Callable[[object], PreparedInput]
    pool: Executor
    layer: str | None
    size: int
    gone: dict[str, str] = field(default_factory=dict[str, str])

    def subjects(self, rows: Sequence[Row], tell: Callable[[int], object]) -> list[Subject]:
        """Subjects of the rows whose pictures can still be had."""
        found: list[Subject] = []
        entries = self.run.entries(rows)

        def read(row: Row) -> Subject | None:
            try:
                return self._subject(row, self.prepared(self.run.given(row, entries)))
            except (InputError, BadOption) as error:
                self.gone[row["id"]] = str(error)
                return None

        for start in range(0, len(rows), self.size):
            portion = rows[start : start + self.size]
            own = [one for one in self.pool.map(read, portion) if one is not None]
            self._look(own)
            found += own
            tell(len(portion))
        return found

    def _subject(self, row: Row, given: PreparedInput) -> Subject:
        heat = heat_of(self.run.map(row))
        return Subject(
            row, row["top"][0], self.found.number(row["label"]), heat, given.x, thumbnail(given),
            pieces(heat),
        )  # fmt: skip

    def _look(self, subjects: Sequence[Subject]) -> None:
        """Fill in scores, and what lies under the pieces."""
        for own in by_shape(subjects):
            x = np.stack([one.x for one in own])
            with running(self.network.name):
                recording = self.network.record(x, [self.layer] if self.layer else [])
                scores = both(recording.scores)
            activations = recording.activations[self.layer] if self.layer else x
            for one, its, scored in zip(own, activations, scores, strict=True):
                one.scores = scored
                one.features = _pooled(its, one, pixels=self.layer is None)

    def scores(self, inputs: Sequence[Input]) -> np.ndarray:
        """Scores (n, classes) of changed inputs of one shape."""
        found: list[np.ndarray] = []
        for start in range(0, len(inputs), self.size):
            with running(self.network.name):
                x = np.stack(inputs[start : start + self.size])
                found.append(both(self.network.record(x).scores))
        return np.concatenate(found)


def by_shape(subjects: Sequence[Subject]) -> Iterator[list[Subject]]:
    """Subjects whose inputs have one shape, together."""
    shapes: dict[tuple[int, ...], list[Subject]] = {}
    for one in subjects:
        shapes.setdefault(one.x.shape, []).append(one)
    yield from shapes.values()


def _pooled(features: np.ndarray, one: Subject, *, pixels: bool) -> np.ndarray:
    """Mean of the features (k, rows, columns) under each piece, weighted by its heat; of pixels how
    each channel differs from the whole picture, and how much it varies.
    """
    if not one.pieces:
        return np.zeros((0, len(features)))
    if pixels:
        return np.stack([_colours(features, one.pixels(piece.window)) for piece in one.pieces])
    rows: list[np.ndarray] = []
    for piece in one.pieces:
        weights = piece.window.of(one.heat)
        under = piece.window.of(features).astype(float)
        rows.append((under * weights).sum((1, 2)) / weights.sum())
    return np.stack(rows)


def _colours(x: np.ndarray, window: Window) -> np.ndarray:
    own = window.of(x).astype(float)
    return np.concatenate([own.mean((1, 2)) - x.mean((1, 2)), own.std((1, 2))])
