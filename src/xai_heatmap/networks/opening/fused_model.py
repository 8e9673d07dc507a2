"""An opened model with fused programs: maps from one forward and one backward pass in one call."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from xai_heatmap.core.arrays import Inputs, Native, Scores
from xai_heatmap.core.errors import NonFiniteScores
from xai_heatmap.core.fused import Fused, Pull, Seed, Seeds, Strongest, stacked
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.targets.answer import Meaning
from xai_heatmap.networks.opening.fusing import Key, Program, Ran, fusing, program, pulling
from xai_heatmap.networks.opening.heads import ModelWithHeads
from xai_heatmap.networks.opening.inputs import check_input
from xai_heatmap.networks.opening.interfaces import Recorded
from xai_heatmap.networks.opening.model_cache import ShapePlan
from xai_heatmap.networks.opening.survey import SurveyedModel


@dataclass(frozen=True)
class Asked:
    """A question that was answered by a program, and how.

    Parameters
    ----------
    view, keys, seed
        The program, and what it explains.
    shape
        Of one input with its channels first.
    straight
        Whether inputs enter the model as they are given.
    """

    view: ShapePlan
    keys: tuple[Key, ...]
    seed: Seed
    shape: tuple[int, ...]
    straight: bool


class FusedModel(SurveyedModel, ModelWithHeads):
    """An opened model, of whose framework's engine fused programs are asked where it has any."""

    def answering(self, shape: Sequence[int]) -> tuple[int, Meaning] | None:
        """Number of scores and their scale, as far as known before a pass; None where there is no
        fused program.
        """
        if fusing(self._engine) is None:
            return None
        view = self._view(tuple(shape))
        if view.boxes is not None or len(view.scores) != 2:
            return None
        usual: Meaning = "probabilities" if self._keep_closing and view.closing else "logits"
        meaning = self._state.meanings.get(self._meaning_key(view), usual)
        return None if meaning == "log-probabilities" else (view.scores[1], meaning)

    def fused(
        self, x: Inputs, keys: Sequence[Key], seeds: Seeds, *, judged: bool = False
    ) -> Fused | None:
        """Maps by layer and formula from one program; None where there is none."""
        check_input(x)
        self._adapter.held.check(len(x))
        with self._state.lock:
            view, native = self._view(x.shape[1:]), self._native(x)
            found = self._ran(view, native, tuple(keys), seeds, judged=judged)
            if found is None:
                return None
            recording = self._closed(found.scores, view, native)
        return None if recording is None else _fused(recording, keys, found)

    def mapping(
        self, x: Inputs, keys: Sequence[Key], *, judged: bool = False
    ) -> tuple[Recording, Pull] | None:
        """A forward pass, opened at no layer, and its way back to maps by layer and formula."""
        if (engine := pulling(self._engine)) is None or self.answering(x.shape[1:]) is None:
            return None
        check_input(x)
        self._adapter.held.check(len(x))
        with self._state.lock:
            view, native = self._view(x.shape[1:]), self._native(x)
            own = self._program(view, native, tuple(keys))
            passed = own.passed(engine, self._state, self._adapter, native, judged=judged)
            recording = passed and self._closed(passed.scores, view, native)
        if passed is None or recording is None:
            return None

        def pull(cotangent: Scores) -> Fused | None:
            with self._state.lock:
                found = passed.pull(cotangent)
            return None if found is None else _fused(recording, keys, found)

        return recording, pull

    def _closed(self, scores: Native, view: ShapePlan, x: Native) -> Recording | None:
        """A recording that is opened at no layer; None where scores are read in another way than
        they came out of a program.
        """
        recorded = Recorded(scores, {}, lambda _: {})
        recording = self._read(recorded, view, partial(self._head, recorded, view, x))
        read = recording.form.grid or recording.meaning == "log-probabilities"
        return None if read else recording

    def remember(self, question: Hashable, x: Native, keys: Sequence[Key], seed: Seed) -> None:
        """Keep the answer to a question about inputs like `x`, in the network's own axes: a program
        of these maps, and what it explains.
        """
        inputs = self.channels_first(x)
        view, native, shape = self._view(inputs.shape[1:]), self._native(inputs), inputs.shape[1:]
        straight = (native.shape, native.strides) == (x.shape, x.strides)
        asked = Asked(view, tuple(keys), seed, shape, straight)
        self._questions[question, x.shape[1:]] = asked

    def again(self, question: Hashable, x: Native) -> Sequence[np.ndarray] | None:
        """Maps of a question that was asked before, one for each of its keys; None where it was
        not, or the network has changed since.
        """
        known = self._questions.get((question, x.shape[1:]))
        if known is None or self._adapter.held.images != 1:
            return None
        native = x if known.straight else self._native(self.channels_first(x))
        check_input(native)
        with self._state.lock:
            if self._view(known.shape) is not known.view:
                return None
            seeds = stacked([known.seed] * len(native))
            try:
                found = seeds and self._ran(known.view, native, known.keys, seeds, judged=False)
            except Exception as problem:
                if out_of_memory(problem):
                    return None
                raise
        if found is None or not all(np.isfinite(own).all() for own in found.maps):
            return None
        if not np.isfinite(found.scores).all():
            raise NonFiniteScores(
                f"{self.name} answered NaN or infinity. Check its weights and the preprocessing; "
                "half precision overflows easily: try the model in float32."
            )
        return found.maps

    def _native(self, x: Inputs) -> Native:
        return np.moveaxis(x, 1, -1) if self.channels_last else x

    def _ran(
        self, view: ShapePlan, x: Native, keys: tuple[Key, ...], seeds: Seeds, *, judged: bool
    ) -> Ran | None:
        """Result of the program of these maps, whose failure is remembered."""
        own = self._program(view, x, keys)
        engine = fusing(self._engine)
        return own.run(engine, self._state, self._adapter, x, seeds, judged=judged)

    def _program(self, view: ShapePlan, x: Native, keys: tuple[Key, ...]) -> Program:
        own: Program | None = self._programs.get((x.shape[1:], keys))
        if own is None or own.view is not view:
            own = self._programs[x.shape[1:], keys] = program(view, keys)
        return own


def _fused(recording: Recording, keys: Sequence[Key], found: Ran) -> Fused:
    maps = dict(zip(keys, found.maps, strict=True))
    places = map(Strongest, *zip(*found.strongest, strict=True)) if found.strongest else ()
    return Fused(recording, found.cotangent, maps, dict(zip(keys, places, strict=bool(places))))
