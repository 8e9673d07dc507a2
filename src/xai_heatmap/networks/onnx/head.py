"""The graph behind a tensor, for one image, with other activations in the tensor's place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.networks.onnx import autodiff
from xai_heatmap.networks.onnx.plan import Arrays, Plan, Run
from xai_heatmap.networks.opening.head_check import ROUNDED
from xai_heatmap.networks.opening.interfaces import Recorded
from xai_heatmap.networks.rules import BackwardRule


@dataclass
class HeadPlans:
    """Plans that run a head.

    Parameters
    ----------
    before
        Gives the tensor and the frontier for one image.
    forward, both, paired
        The head itself: scores alone, with the way back (from when it is first needed on), and
        beside itself, with slopes between both by a rule.
    tensor, replaced
        The layer's tensor, and what the head calls it.
    rounded
        The head as the network has it, where the others are without its rounding.
    spread, beside
        The frontier: what is repeated for every activation, and what has no images.
    """

    before: Plan
    forward: Plan
    both: Plan
    paired: Callable[[BackwardRule], Plan]
    tensor: str
    replaced: str
    spread: Sequence[str]
    beside: Sequence[str]
    rounded: "HeadPlans | None" = None
    differentiated: bool = False


class OnnxHead:
    """The network behind one layer, for one image."""

    def __init__(self, name: str, plans: HeadPlans, feeds: Arrays, *, beside: Arrays) -> None:
        self._name, self._plans = name, plans
        found = {**feeds, **beside, **plans.before.run(feeds, beside=beside).tensors}
        self._spread = {name: found[name] for name in plans.spread}
        self._beside = {name: found[name] for name in plans.beside}
        self.output: Native = found[plans.tensor]
        self._shift = np.zeros((), np.float32)
        if plans.rounded is not None:
            asked, free = self._scores(plans.rounded), self._scores(plans)
            near = np.abs(asked - free).max() <= ROUNDED * np.abs(asked).max()
            self._plans, self._shift = (plans, asked - free) if near else (plans.rounded, asked * 0)

    def _scores(self, plans: HeadPlans) -> Native:
        """The scores of the layer's own output."""
        feeds = {**self._spread, plans.replaced: self.output}
        return plans.forward.run(feeds, beside=self._beside).scores

    def __call__(self, output: Native) -> Recorded:
        """Scores for other outputs of the layer, opened at the layer."""
        plans = self._plans
        feeds = {name: np.repeat(own, len(output), axis=0) for name, own in self._spread.items()}
        feeds[plans.replaced] = output
        if plans.differentiated:
            run = plans.both.run(feeds, beside=self._beside)
            return self._shifted(recorded(run, {self._name: plans.replaced}))
        scores = plans.forward.run(feeds, beside=self._beside).scores

        def pullback(cotangent: Native) -> dict[str, Native]:
            plans.differentiated = True
            run = plans.both.run(feeds, beside=self._beside)
            return {self._name: run.pullback(cotangent)[plans.replaced]}

        return self._shifted(Recorded(scores, {self._name: output}, pullback))

    def _shifted(self, run: Recorded) -> Recorded:
        """Shift the scores of a run so that the layer's own output has the network's scores."""
        return replace(run, scores=run.scores + self._shift) if self._shift.any() else run

    def between(self, other: Native, rule: BackwardRule) -> Recorded:
        """Two rows, the layer's own output and `other`, in one run."""
        plans, paired = self._plans, self._plans.paired(rule)
        rows = {plans.replaced: self.output, autodiff.REFERENCE + plans.replaced: other}
        run = paired.run({**self._spread, **rows}, beside=self._beside)
        before = run.tensors[autodiff.REFERENCE + paired.scores]

        def pullback(cotangent: Native) -> dict[str, Native]:
            slopes = run.pullback(cotangent[:1])[plans.replaced]
            return {self._name: np.concatenate([slopes, np.zeros_like(slopes)])}

        outputs = {self._name: np.concatenate([self.output, other])}
        scores = np.concatenate([run.scores, before])
        return self._shifted(Recorded(scores, outputs, pullback))


def recorded(run: Run, tensors: Mapping[str, str]) -> Recorded:
    """A run under the names of layers."""

    def named(arrays: Arrays) -> dict[str, Native]:
        return {name: arrays[tensor] for name, tensor in tensors.items()}

    return Recorded(run.scores, named(run.tensors), lambda c: named(run.pullback(c)))
