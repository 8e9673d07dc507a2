"""Heads of a model: the layers behind one layer, checked, then run on other activations."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from xai_heatmap.core.affine import Step
from xai_heatmap.core.arrays import Native
from xai_heatmap.core.backward import BackwardRule
from xai_heatmap.core.errors import NoHead
from xai_heatmap.core.layers.selection import grids
from xai_heatmap.core.network import INPUT
from xai_heatmap.core.recording import Recording
from xai_heatmap.core.shapes import Float32, Shaped
from xai_heatmap.networks.opening.alone import Alone
from xai_heatmap.networks.opening.head_check import MIXED, Proof, proof, still_repeats
from xai_heatmap.networks.opening.interfaces import Adapter, Head, Recorded, Remembering
from xai_heatmap.networks.opening.model_cache import ShapePlan
from xai_heatmap.networks.opening.recording import layout_of
from xai_heatmap.networks.opening.scores import ScoredModel

One = Shaped[np.ndarray, "1 ..."]
"""Scores or picture of one image, as the backend has these."""

WITHOUT_A_HEAD = "Methods of one pass work there, such as gradcam, hirescam or eigencam."
"""Advice for a layer whose head does not repeat the recorded scores."""


class ModelWithHeads(ScoredModel):
    """An opened model whose head runs again with other activations."""

    def _head(
        self, recorded: Recorded, view: ShapePlan, x: Native, name: str, row: int
    ) -> Callable[[Float32[np.ndarray, "m k *grid"]], Recording]:
        """Function from activations of layer `name` to recordings of the head, for one image."""
        with self._state.lock:
            head = self._proven_head(*self._of_one(recorded, view, x, name, row))
        own_layout = layout_of(view.survey, name)

        def behind(activation: Float32[np.ndarray, "m k *grid"]) -> Recording:
            with self._state.lock:
                replayed = head(own_layout.to_native(activation, like=head.output))
            return self._read(
                replayed, view, lambda again, _: self._head(recorded, view, x, again, row)
            )

        return behind

    def _affine(
        self, recorded: Recorded, view: ShapePlan, x: Native, name: str, row: int
    ) -> Step | None:
        """Step of the output of layer `name` and its rise of the scores, of an affine head."""
        with self._state.lock:
            proven = self._proof(*self._of_one(recorded, view, x, name, row))
        if proven.affine is None:
            return None
        step, rise = layout_of(view.survey, name).to_grid(proven.affine.step()), proven.affine.rise
        return step[0], self._reading(view, rise).rows(rise)[0]

    def _between(
        self,
        recorded: Recorded,
        view: ShapePlan,
        x: Native,
        name: str,
        row: int,
        rule: BackwardRule,
    ) -> Recorded:
        """Recording of the head between the output of layer `name` and 0, by a rule of slopes."""
        with self._state.lock:
            head = self._proven_head(*self._of_one(recorded, view, x, name, row))
            own = layout_of(view.survey, name)
            zero = np.zeros_like(own.to_grid(head.output))
            return head.between(own.to_native(zero, like=head.output), rule)

    def _of_one(
        self, recorded: Recorded, view: ShapePlan, x: Native, name: str, row: int
    ) -> tuple[Adapter, One, ShapePlan, One, str, Any]:
        """What a proof takes, of one image of a recording."""
        one, left = slice(row, row + 1), _left(recorded, name, x)
        return self._of([row]), recorded.scores[one], view, x[one], name, left

    def _proven_head(
        self,
        adapter: Adapter,
        scores: Native,
        view: ShapePlan,
        x: Native,
        name: str,
        memory: Any = None,
    ) -> Head:
        """Head that reproduced the recorded scores for the recorded activation, if need be by whole
        passes.

        Raises
        ------
        NoHead
            If neither does.
        """
        proven = self._proof(adapter, scores, view, x, name, memory)
        if proven.refusal:
            self._refuse_fixed(view.survey.layers[INPUT].shape)
            last = next(reversed(grids(view.survey)), name)
            works = last != name and not self._proof(adapter, scores, view, x, last).refusal
            behind = f" What lies behind layer {last!r} can be run." if works else ""
            raise NoHead(
                f"{self.name}: what lies behind layer {name!r} can't be run again with other "
                f"values, which the method needs: {proven.refusal}. {WITHOUT_A_HEAD}{behind}",
                layer=name,
            )
        how = {"whole": proven.whole, "alone": proven.alone, "memory": memory}
        head = self._made(adapter, view, x, name, **how)
        if proven.alone and not still_repeats(head, scores):
            raise NoHead(
                f"{self.name}: what lies behind layer {name!r} can't be run again with other "
                f"values, which the method needs: {MIXED}. Explain one picture at a time.",
                layer=name,
            )
        return head

    def _made(
        self,
        adapter: Adapter,
        view: ShapePlan,
        x: Native,
        name: str,
        *,
        whole: bool,
        alone: bool,
        memory: Any = None,
    ) -> Head:
        engine, own = self._engine, (adapter, x, name, view.sites[name], view.undo)
        if memory is None or whole or not isinstance(engine, Remembering):
            head = engine.head(*own, whole=whole)
        else:
            head = engine.head_from(*own, memory)
        return Alone(head) if alone else head

    def _head_key(self, adapter: Adapter, x: Native, name: str) -> tuple[object, ...]:
        return name, x.shape[1:], adapter.output, self._beside(adapter)

    def _proof(
        self,
        adapter: Adapter,
        scores: Native,
        view: ShapePlan,
        x: Native,
        name: str,
        memory: Any = None,
    ) -> Proof:
        """Check, once per layer and shape, how the head can run; warn where that is slow."""
        key = self._head_key(adapter, x, name)
        if key not in self._state.heads:
            made = partial(self._made, adapter, view, x, name, memory=memory)
            proven = proof(made, scores)
            self._state.heads[key] = proven
            if proven.alone and not proven.refusal:
                warnings.warn(
                    f"{self.name}: {MIXED} behind layer {name!r}, so that values there are run one "
                    f"at a time, which is slower.",
                    stacklevel=2,
                )
            elif proven.whole and not proven.refusal:
                warnings.warn(
                    f"{self.name}: what lies behind layer {name!r} can't be run on its own; whole "
                    f"forward passes are "
                    "made instead, which is slower and gives the same.",
                    stacklevel=2,
                )
        return self._state.heads[key]


def _left(recorded: Recorded, name: str, x: Native) -> Any:
    """What the recorded pass left for the head behind layer `name`, of a recording of one image."""
    return recorded.memories.get(name) if len(x) == 1 else None
