"""Scores of a model: layout, meaning, and the final activation to be left out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Native, Scores
from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.errors import NonFiniteScores, NoScores
from xai_heatmap.core.log_recording import LogRecording
from xai_heatmap.core.network import INPUT, Layer
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.targets.answer import Meaning
from xai_heatmap.networks.opening.box_layout import BoxReading, box_reading, check_unit
from xai_heatmap.networks.opening.chosen_rows import ChosenReading
from xai_heatmap.networks.opening.interfaces import Closing, ModelTrace, Recorded, Undo
from xai_heatmap.networks.opening.meaning import may_be_probabilities, meaning_in
from xai_heatmap.networks.opening.model import OpenedModel
from xai_heatmap.networks.opening.model_cache import ShapePlan
from xai_heatmap.networks.opening.one_by_one import refuse_fixed
from xai_heatmap.networks.opening.recording import ExtraPasses, OpenedRecording
from xai_heatmap.networks.opening.score_layout import Reading, reading, sum_to_one


class ScoredModel(OpenedModel):
    """Opened model with scores as one row per image."""

    def _closing(
        self, seen: ModelTrace, parts: Mapping[str, object]
    ) -> tuple[Closing | None, Undo]:
        if seen.boxes is not None:
            return None, Undo()
        closing, undo = seen.closing, Undo(mark=seen.mark)
        times = Counter(call.path for call in seen.calls)
        for path in seen.last:
            own = self._adapter.closing_of(parts[path])
            if own and times[path] == 1 and path not in seen.elsewhere:  # it has to go on there
                closing, undo = own, Undo(part=parts[path])
        return closing, Undo() if self._keep_closing else undo

    def _closes(self, view: ShapePlan, scores: Native) -> bool:
        """Whether a closing softmax compares classes, and not places, where there are both."""
        if scores.ndim == 2 or view.closing != "softmax" or self._keep_closing:
            return True
        key = self._closing_key(view.survey.layers[INPUT].shape)
        if key not in self._state.proven:
            closed = self._of_noise(view, Undo())
            own = self._reading(view, closed)
            self._state.proven[key] = sum_to_one(own.rows(np.exp(closed)), own.form) or (
                sum_to_one(own.rows(closed), own.form)
            )
        return self._state.proven[key]

    def _closing_key(self, shape: tuple[int, ...]) -> tuple[Any, ...]:
        return "closing", shape, self._adapter.output, self._beside(self._adapter)

    def _check_rows(self, scores: Native) -> None:
        """Refuse a single number for a whole batch in place of a row of scores per image."""
        if np.ndim(scores) == 0:
            raise NoScores(
                f"{self.name} answers one number for a whole batch; one row of scores for each "
                "picture was expected, (images, classes). Let it keep the first axis: "
                "x.mean((1, 2, 3)) instead of x.mean()."
            )

    def _reading(self, view: ShapePlan, scores: Native) -> Reading | BoxReading | ChosenReading:
        if view.boxes is not None:
            image = view.survey.layers[INPUT].shape[1:]
            return self._boxes_reading(scores.shape, view.boxes, image, scores)
        own = self._scores_reading(view.survey.layers, scores.shape)
        return replace(own, names=view.names) if view.names else own

    def _scores_reading(self, layers: Mapping[str, Layer], shape: tuple[int, ...]) -> Reading:
        image = layers[INPUT].shape[1:]
        if len(shape) == 2:  # one score a class, whatever the layers are
            return reading(shape, image=image, channels_last=self.channels_last)
        like = next(
            (
                own.layout
                for own in reversed(list(layers.values()))
                if own.layout is not None and own.name != INPUT and _same(own, shape)
            ),
            None,
        )
        return reading(
            shape,
            image=image,
            channels_last=self.channels_last,
            grids={own.grid for own in layers.values() if own.grid and own.name != INPUT},
            like=like,
        )

    def _scores_places(self, seen: ModelTrace, layers: Mapping[str, Layer]) -> bool:
        """Whether the network scores every place of a picture."""
        if seen.boxes is not None or len(seen.scores) < 3 or 0 in seen.scores:
            return False
        try:
            form = self._scores_reading(layers, seen.scores).form
        except NoScores:  # is raised with what to do once there are scores
            return False
        return bool(form.grid) and not form.steps

    def _boxes_reading(
        self, shape: Sequence[int], how: Boxes, image: Sequence[int], native: Native | None = None
    ) -> BoxReading | ChosenReading:
        names = len(self._adapter.declared.labels or ())
        return box_reading(shape, how, image=image, names=names, native=native)

    def _likeliest(self, scores: Native, seen: ModelTrace, x: tuple[int, ...]) -> Native:
        """Cotangent that is 1 at the highest score of every image, else 0."""
        if seen.boxes is None:
            flat = scores.reshape(len(scores), -1)
            best = np.eye(flat.shape[1], dtype=np.float32)[flat.argmax(axis=1)]
            return best.reshape(scores.shape)
        image = x[1:-1] if self.channels_last else x[2:]
        own = self._boxes_reading(scores.shape, seen.boxes, image, scores)
        rows = own.rows(scores)
        classes = own.form.classes(rows.shape[1]) * own.form.places
        best = rows[:, :classes].argmax(axis=1)
        return own.native(np.eye(rows.shape[1], dtype=np.float32)[best])

    def _queries(self, seen: ModelTrace, shape: tuple[int, ...]) -> int | None:
        """Number of boxes of a detector; None for any other network."""
        if seen.boxes is None or 0 in seen.scores[1:]:
            return None
        return self._boxes_reading(seen.scores, seen.boxes, shape[1:]).form.places

    def _read(
        self,
        recorded: Recorded,
        view: ShapePlan,
        head: Callable[[str, int], Any],
        apart: ExtraPasses | None = None,
    ) -> Recording:
        if not np.isfinite(recorded.scores).all():
            raise NonFiniteScores(
                f"{self.name} answered NaN or infinity. Check its weights and the preprocessing; "
                f"half precision "
                "overflows easily: try the model in float32."
            )
        own = self._reading(view, recorded.scores)
        rows = own.rows(recorded.scores)
        if own.form.boxes is not None and apart is not None:
            check_unit(rows, own.form)
        meaning = self._meaning(view, own, rows)
        logarithm = meaning == "log-probabilities" and own.form.boxes is None
        known: Meaning = "probabilities" if logarithm else meaning
        read = OpenedRecording(recorded, view.survey, self._state.lock, head, known, own, apart)
        return LogRecording(read) if logarithm else read

    def _meaning(
        self, view: ShapePlan, own: Reading | BoxReading | ChosenReading, rows: Scores
    ) -> Meaning:
        """Meaning of the scores; where a row could be probabilities, the scores of noise decide,
        once, so that the result for a picture does not depend on the rest of its batch.
        """
        kept = self._keep_closing
        if kept and view.closing is not None:
            return "probabilities"
        if not may_be_probabilities(rows, own.form):
            return "logits"
        key = self._meaning_key(view)
        if key not in self._state.meanings:
            with self._state.lock:
                noisy = own.rows(self._of_noise(view, view.undo))
            self._state.meanings[key] = meaning_in(noisy, own.form, keep_closing=kept)
        return self._state.meanings[key]

    def _meaning_key(self, view: ShapePlan) -> tuple[Any, ...]:
        shape = view.survey.layers[INPUT].shape
        return "meaning", *self._closing_key(shape), self._keep_closing, view.closing

    def _refuse_fixed(self, shape: tuple[int, ...], images: int = 3) -> None:
        """Refuse a network that fails on so many pictures, if its Python fixes their number."""

        def run(number: int) -> object:
            noise = self._noise(shape, number)
            try:
                return self._engine.record(self._of([0]), noise, {}, Undo())
            except Exception:  # noqa: BLE001 - a network may fail on what noise shows, not on its number
                return self._engine.record(self._of([0]), np.zeros_like(noise), {}, Undo())

        refuse_fixed(run, images, name=self.name)

    def _of_noise(self, view: ShapePlan, undo: Undo) -> Native:
        """Scores of pictures of noise, in one forward pass."""
        noise = self._noise(view.survey.layers[INPUT].shape)
        return self._engine.record(self._of([0]), noise, {}, undo).scores


def _same(layer: Layer, scores: Sequence[int]) -> bool:
    """Whether the output of a layer with a grid has the shape of the scores."""
    own = layer.layout
    if own is None or own.kind == "tokens":
        return False
    k, grid = layer.shape[0], layer.shape[1:]
    shape = (k, *grid) if own.kind == "channels_first" else (*grid, k)
    return shape == tuple(scores[1:])
