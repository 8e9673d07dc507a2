"""The network behind one layer in PyTorch, for one image."""

from collections.abc import Mapping
from contextlib import nullcontext

import numpy as np
import torch

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.core.network import INPUT
from xai_heatmap.networks.opening import replay
from xai_heatmap.networks.opening.head_check import ROUNDED
from xai_heatmap.networks.opening.interfaces import Adapter, Recorded, Undo
from xai_heatmap.networks.opening.taps import Site, answered, mapped, tapped
from xai_heatmap.networks.rules import TORCH, BackwardRule, implemented_by
from xai_heatmap.networks.torch.codes import Crossed, in_codes, in_rows, numbers
from xai_heatmap.networks.torch.memory_layout import FIRST, LAST, channels_last
from xai_heatmap.networks.torch.passes import ONE_AT_A_TIME, Passes, array
from xai_heatmap.networks.torch.unrounded import NotWrittenOut, Unrounded, unrounded


class TorchHead:
    """The network behind one layer, for one image."""

    def __init__(
        self,
        passes: Passes,
        adapter: Adapter,
        x: torch.Tensor,
        name: str,
        site: Site,
        undo: Undo,
        *,
        whole: bool,
        memory: replay.Memory | None = None,
    ) -> None:
        self._passes, self._adapter, self._x, self._name, self._site, self._undo = (
            passes,
            adapter,
            x,
            name,
            site,
            undo,
        )
        self._whole = whole or name == INPUT
        self._parts = adapter.parts()
        self._copies = False
        self._memory = None if self._whole else memory or self._remembered()
        own = x if name == INPUT else self._own_output()
        self._dtype = own.dtype if own.is_floating_point() else torch.float32
        self._layout = LAST if channels_last(own) else FIRST
        self._rows = 1 if name == INPUT else len(own)  # more where frames are among the images
        self.output = array(own)
        self._unrounded: Unrounded | None = None
        self._shift = torch.zeros(())
        if name != INPUT and (made := unrounded(self._behind(), own)) is not None:
            self._leave_rounding(made)

    def __call__(self, output: Native) -> Recorded:
        """Scores for other outputs of the layer, opened at the layer."""
        activation, scores = self._run(output)
        return self._passes.recorded(scores, {self._name: activation}, crossed=self._crossed)

    def between(self, other: Native, rule: BackwardRule) -> Recorded:
        """Two rows, the layer's own output and `other`, run one after the other."""
        with ONE_AT_A_TIME, implemented_by(rule, TORCH)() as secants:
            before = self._run(other)[1]
            secants.rewind()
            activation, after = self._run(self.output)
        crossed = self._crossed if self._unrounded is None else None
        own = self._passes.recorded(after, {self._name: activation}, crossed=crossed)
        scores = np.concatenate([own.scores, array(before)])
        outputs = {self._name: np.concatenate([self.output, other])}

        def pullback(cotangent: Native) -> dict[str, np.ndarray]:
            slopes = own.pullback(cotangent[:1])[self._name]
            return {self._name: np.concatenate([slopes, np.zeros_like(slopes)])}

        return Recorded(scores, outputs, pullback)

    def _run(self, output: Native) -> tuple[torch.Tensor, torch.Tensor]:
        layout = self._layout
        if self._name == INPUT:  # pictures, which may go as those of any pass
            layout = self._passes.layout_of(self._adapter, output)
        activation = self._passes.tensor(output, layout)
        activation = activation.to(self._dtype).requires_grad_()
        try:
            scores = self._scores(activation)
            if self._passes.untouched.surprised:
                scores = self._scores(activation)
        except RuntimeError as problem:
            if self._copies or "single memory location" not in str(problem):
                raise
            self._copies = True  # a part writes in place into what was only lent to it
            scores = self._scores(activation)
        return activation, scores

    def _leave_rounding(self, made: Unrounded) -> None:
        """Switch to runs without rounding, if these nearly give the scores of the network."""
        own = self._passes.tensor(self.output, self._layout).to(self._dtype)
        try:
            asked = self._scores(own).detach()
            self._unrounded = made
            shift = self._shift = asked - self._scores(own).detach()
        except (Exception, NotWrittenOut) as problem:
            if out_of_memory(problem):
                raise
            self._unrounded = None
            return
        if not bool(shift.abs().max() <= ROUNDED * asked.abs().max()):
            self._unrounded, self._shift = None, torch.zeros(())

    def _scores(self, activation: torch.Tensor) -> torch.Tensor:
        """Scores of an activation; without rounding, shifted to the network's own scores."""
        with self._unrounded or nullcontext():
            scores = self._of(activation)
        return scores if self._unrounded is None else scores + self._shift

    def _of(self, activation: torch.Tensor) -> torch.Tensor:
        images = len(activation) // self._rows
        adapter, site, memory = self._adapter, self._site, self._memory
        crossed = self._crossed = Crossed({self._name: activation})
        with (
            self._passes.running(adapter, self._undo, again=True),
            crossed.watching(self._behind(), adapter.method),
        ):
            if self._name == INPUT:
                return adapter.scores(activation.clone())
            x = self._spread(self._x, images)
            if memory is None:
                with tapped(
                    {self._name: site},
                    adapter.method,
                    lambda _, value: self._instead(activation, value),
                ):
                    return adapter.scores(x)
            return replay.replay(
                self._parts,
                adapter.method,
                memory,
                lambda: answered(
                    mapped(memory.output, lambda t: self._spread(t, images)),
                    lambda value: self._instead(activation, value),
                ),
                spread=lambda output: mapped(output, lambda t: self._spread(t, images)),
                run=lambda: adapter.scores(x),
            )

    def _instead(self, activation: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Replacement of the layer's `value`, quantised where the head runs on codes."""
        if self._unrounded is None:
            return in_codes(activation.clone(), value)
        return activation.clone()

    def _behind(self) -> Mapping[str, object]:
        """The parts that run behind the layer, or may do so; the layer itself is not run."""
        done = set() if self._memory is None else {key[0] for key in self._memory.outputs}
        own = {*done, id(self._site.part)}
        return {path: part for path, part in self._parts.items() if id(part) not in own}

    def _spread(self, value: torch.Tensor, images: int) -> torch.Tensor:
        if self._unrounded is not None:
            value = numbers(value)
        if value.ndim == 0 or value.shape[0] != 1:
            return value
        if value.is_quantized:
            return in_rows(value, images)
        spread = value.expand(images, *value.shape[1:])
        return spread.clone() if self._copies or images == 1 else spread

    def _remembered(self) -> replay.Memory | None:
        with self._passes.running(self._adapter, self._undo), torch.no_grad():
            return replay.remember(
                self._parts,
                self._adapter.method,
                self._site,
                lambda: self._adapter.scores(self._x.clone()),
            )

    def _own_output(self) -> torch.Tensor:
        found: list[torch.Tensor] = []
        if self._memory is not None:
            answered(self._memory.output, lambda value: (found.append(value), value)[1])
        else:
            recorded = self._passes.record(
                self._adapter, array(self._x), {self._name: self._site}, self._undo
            )
            return torch.as_tensor(recorded.outputs[self._name]).to(self._x.dtype)
        return found[0]
