"""A network made of parts that run: the code that PyTorch, Keras and ONNX models share.

An *adapter* knows a model: its parts, how to call it, how its closing softmax is left out. An
*engine* knows a framework: how values are followed, differentiated and replayed. This module joins
the two into a `Network`.
"""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial

import numpy as np

from xai_heatmap.core.arrays import Inputs, Native, Scores
from xai_heatmap.core.attention import Block
from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import (
    BadArray,
    BadOption,
    LayerNotReached,
    ModelError,
    XaiHeatmapError,
)
from xai_heatmap.core.layers.layout import WHOLE
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.core.named import named
from xai_heatmap.core.network import INPUT, Layer, Layers, Survey
from xai_heatmap.core.recording import Recording
from xai_heatmap.networks.opening.fused_model import FusedModel
from xai_heatmap.networks.opening.held import Name, said
from xai_heatmap.networks.opening.inputs import check_input, check_one_run, floats
from xai_heatmap.networks.opening.interfaces import Adapter, Closing, Recorded, Remembering, Undo
from xai_heatmap.networks.opening.model_cache import ModelCache
from xai_heatmap.networks.opening.recording import ExtraPasses, layout_of
from xai_heatmap.networks.opening.taps import Site
from xai_heatmap.networks.opening.together import ROW, Part, Together, row_of, slots_of


class OpenedNetwork(FusedModel):
    """A `Network` over an adapter and an engine. One call at a time: taps patch the model while it
    runs.
    """

    @property
    def closing(self) -> Closing | None:
        """Final activation of the model, from any surveyed input shape."""
        known = next(iter(self._views.values()), None)
        return (known or self._view(self.image_shape)).closing

    @property
    def layers(self) -> Mapping[str, Layer]:
        """Every layer in order of execution, for inputs of `image_shape`.

        Raises
        ------
        ModelError
            If nobody said the shape, and the model fails on the one that was guessed.
        """
        try:
            return self.survey(self.image_shape).layers
        except Exception as problem:
            known = isinstance(problem, XaiHeatmapError) and not isinstance(problem, BadArray)
            if known or self._image_shape is not None or self._views:
                raise
            guess = "x".join(map(str, self.image_shape))
            raise ModelError(
                f"{self.name} failed on a picture of {guess}, which was a guess: {problem}. "
                "Say what it takes: xai_heatmap.network(model, image_shape=(c, H, W))."
            ) from problem

    @property
    def notes(self) -> Sequence[str]:
        """How the model is run, where that is not as usual: learnt when it was surveyed."""
        return tuple(self._state.kept.get("notes", {}).values())

    def survey(self, shape: Sequence[int]) -> Survey:
        """Survey of the network for inputs of `shape` (c, *image); one pass, then cached."""
        return self._view(tuple(shape)).survey

    def record(self, x: Inputs, at: Layers = (), *, rule: BackwardRule = GRADIENT) -> Recording:
        """Recording of one forward pass, opened at the layers `at`, with the backward rule `rule`.

        Activations and gradients of a layer without a grid are as the layer answers them, such as
        (n, features) or (n, steps, features). Such a layer is opened by its full name, or as the
        part of the model itself.

        Raises
        ------
        UnknownLayer, NoGrid, LayerNotReached
            For a name that can't be opened; the first two before the pass.
        NonFiniteScores
            If the network answers NaN or infinity.
        NoRule
            If the framework does not carry the rule out.
        BadOption
            If the rule is one of slopes between two runs.
        """
        x = floats(x)
        check_input(x)
        check_one_run(rule)
        at = named(self, at)
        self._adapter.held.check(len(x))
        with self._state.lock:
            view = self._view(x.shape[1:])
            names = _opened_at(view.survey, at)
            native = np.moveaxis(x, 1, -1) if self.channels_last else x
            opened = {name: view.sites[name] for name in names}
            try:
                recorded = self._recorded(native, opened, view.undo, rule)
            except Exception as problem:
                if not isinstance(problem, XaiHeatmapError) and not out_of_memory(problem):
                    self._refuse_fixed(x.shape[1:], len(x))
                raise
            self._check_rows(recorded.scores)
            if not self._closes(view, recorded.scores):
                del self._views[x.shape[1:]]
                return self.record(x, at, rule=rule)
            if silent := [name for name in names if name not in recorded.outputs]:
                raise LayerNotReached(
                    f"Layer {silent[0]!r} did not run for this input, so there is nothing to "
                    f"explain there. "
                    "`xai-heatmap layers MODEL` lists those that do.",
                    layer=silent[0],
                )
            answered = {
                name: len(recorded.outputs[name]) // layout_of(view.survey, name).rows
                for name in names
            }
            if some := [name for name, number in answered.items() if number != len(x)]:
                raise LayerNotReached(
                    f"Layer {some[0]!r} answered for {answered[some[0]]} of "
                    f"{counted(len(x), 'picture')}: "
                    "which of them go through it depends on their values, or its first axis counts "
                    "something else, so there is no map of each. Choose a layer before it.",
                    layer=some[0],
                )
            adapter, undo = self._adapter, view.undo
            return self._read(
                recorded,
                view,
                lambda name, row: self._head(recorded, view, native, name, row),
                ExtraPasses(
                    self.name,
                    lambda: self._attend(adapter, native, undo),
                    partial(self._attended, adapter, native),
                    lambda by: self._engine.record(adapter, native, opened, undo, rule=by),
                    lambda name, row, by: self._between(recorded, view, native, name, row, by),
                    lambda name, row: self._affine(recorded, view, native, name, row),
                ),
            )

    def _recorded(
        self, x: Native, opened: Mapping[str, Site], undo: Undo, rule: BackwardRule
    ) -> Recorded:
        engine, adapter = self._engine, self._adapter
        heads = [name for name in self._behind if name in opened and name != INPUT]
        proofs = [self._state.heads.get(self._head_key(adapter, x, name)) for name in heads]
        run = [
            name
            for name, known in zip(heads, proofs, strict=True)
            if known is None or not (known.whole or known.affine)
        ]
        if run and len(x) == 1 and rule is GRADIENT and isinstance(engine, Remembering):
            return engine.remembering(adapter, x, opened, undo, run)
        return engine.record(adapter, x, opened, undo, rule=rule)

    def in_a_row(
        self, x: Inputs, layers: Sequence[str] = (), inputs: Sequence[Name] = ()
    ) -> Together:
        """Picture, held inputs and layers as one row, and the network as a function of that row.

        Raises
        ------
        BadOption
            If the framework can't move several together, or nothing of that name is held.
        """
        making = getattr(self._adapter, "in_a_row", None)
        if making is None:
            raise BadOption(
                f"{self.name}: inputs and layers of this kind of model can't be moved together; "
                "those of PyTorch and Keras can. Explain them one by one."
            )
        rows = self._adapter.held.rows
        if absent := [name for name in inputs if name not in rows]:
            raise BadOption(
                f"{said(absent[0])} is not held, so it can't be moved: give it with held=. Held "
                f"are: {', '.join(map(said, rows)) or 'none'}."
            )
        with self._state.lock:
            view = self._view(x.shape[1:])
            native = np.moveaxis(x, 1, -1) if self.channels_last else x
            sites = {name: view.sites[name] for name in layers}
            recorded = self._engine.record(self._adapter, native, sites, view.undo)
        values: dict[Name, Part] = {INPUT: (native, None, WHOLE)}
        values |= {name: (np.asarray(rows[name], np.float32), None, WHOLE) for name in inputs}
        for name, site in sites.items():
            values[name] = recorded.outputs[name], site, layout_of(view.survey, name)
        slots = slots_of(values)
        adapter, engine = making(slots)
        network = OpenedNetwork(
            adapter, engine, ModelCache(), keep_closing=self._keep_closing, axes=ROW
        )
        own = {name: value for name, (value, _, _) in values.items()}
        return Together(network, row_of(own, slots, len(x)), slots)

    def _attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """Recording of the softmaxes that attend to the pictures and reach the scores."""

        def noise(seed: int) -> Recorded:
            drawn = np.random.default_rng(seed).normal(size=x.shape)
            return self._engine.attend(adapter, drawn.astype(np.float32), undo)

        seen = self._engine.attend(adapter, x, undo)
        return self._state.attended.only(self._attending(adapter, x), seen, noise)

    def _attended(
        self, adapter: Adapter, x: Native, seen: Recorded, cotangent: Scores, native: Native
    ) -> list[Block]:
        key, name = self._attending(adapter, x), self.name
        return self._state.attended.blocks(key, seen, cotangent, native, images=len(x), name=name)

    def _attending(self, adapter: Adapter, x: Native) -> Hashable:
        return x.shape[1:], adapter.output, adapter.held.key


def _opened_at(survey: Survey, at: Layers) -> list[str]:
    """Full names of the layers in `at`; exact names need no search, and no grid."""
    if isinstance(at, str | int):
        return select(survey, at, gridless=True)
    exact = [name for name in at if isinstance(name, str) and name in survey.layers]
    return exact if len(exact) == len(at) else select(survey, at, gridless=True)
