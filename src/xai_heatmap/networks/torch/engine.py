"""Values in PyTorch: followed through autograd's graph, differentiated from the first tap on,
replayed.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import torch

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.box_outputs import check_repeated
from xai_heatmap.networks.opening.chosen_inside import no_way_back
from xai_heatmap.networks.opening.interfaces import Adapter, ModelTrace, Recorded, Undo
from xai_heatmap.networks.opening.replay import Memory
from xai_heatmap.networks.opening.taps import Site, overheard
from xai_heatmap.networks.torch import axes as torch_axes
from xai_heatmap.networks.torch import memory_layout
from xai_heatmap.networks.torch.attention import Attending
from xai_heatmap.networks.torch.final_activation import ClosingCalls
from xai_heatmap.networks.torch.head import TorchHead
from xai_heatmap.networks.torch.memory_layout import Timed, worth_trying
from xai_heatmap.networks.torch.passes import ONE_AT_A_TIME, Passes, array
from xai_heatmap.networks.torch.survey import NothingKept, Watch

NOISE = 4093
"""Numbers drawn for a pass that is about axes alone, and repeated: a prime, so that no two rows,
columns or channels are alike.
"""


class TorchEngine(Passes):
    """Follows, differentiates and replays torch tensors on one device and in one dtype."""

    def __init__(
        self,
        *,
        home: Callable[[], tuple[torch.device, torch.dtype]],
        modules: Callable[[], Sequence[torch.nn.Module]],
        kept: dict[Any, Any],
    ) -> None:
        super().__init__(home=home, modules=modules, kept=kept)
        self._glanced: dict[str, bool] = kept.setdefault("glanced", {})

    def survey(self, adapter: Adapter, x: Native) -> ModelTrace:
        """Watch every part once, with the picture as the only leaf of autograd's graph."""
        before = self._glance(adapter, x)
        watch, image, scores, closing = self._watched(adapter, x)
        if before is not None and adapter.boxes is not None:
            check_repeated(array(before[1]), array(scores), name=adapter.name)
        if watch.unfollowed:
            with (
                self.running(adapter, Undo()),
                torch.no_grad(),
                overheard(adapter.parts(), adapter.method, watch.again),
            ):
                adapter.scores(self.tensor(x[::-1]))
        seen = watch.sightings(adapter.parts(), image, scores, closing)
        if worth_trying(adapter.parts(), seen.calls):
            one = before if before is not None and len(before[1]) == 1 else None
            run = partial(self.scores, adapter)
            self.layouts.learn(adapter, x, self._home(), run, before=one)
        return seen

    def _watched(
        self, adapter: Adapter, x: Native
    ) -> tuple[Watch, torch.Tensor, torch.Tensor, ClosingCalls]:
        """The watched pass: the watcher, the picture, the scores and the final activations.

        Nothing is kept for a way back, but for a model that goes back, or transforms functions, in
        its own pass.
        """
        nothing = NothingKept()
        try:
            with nothing:
                found = self._watch(adapter, x)
        except XaiHeatmapError:
            raise
        except Exception as problem:
            if out_of_memory(problem) or not (nothing.asked or self._glanced):
                raise
            return self._watch(adapter, x)
        return self._watch(adapter, x) if nothing.asked else found

    def _watch(
        self, adapter: Adapter, x: Native
    ) -> tuple[Watch, torch.Tensor, torch.Tensor, ClosingCalls]:
        watch = Watch(x.shape[1:-1] if adapter.channels_last else x.shape[2:])
        image = self.tensor(x).requires_grad_()
        with (
            self.running(adapter, Undo()),
            ClosingCalls() as closing,
            overheard(adapter.parts(), adapter.method, watch.at),
        ):
            scores = adapter.scores(image.clone())  # a model may write into its input
        return watch, image, scores, closing

    def _glance(self, adapter: Adapter, x: Native) -> Timed | None:
        """Scores, and how long they took, once per model: the first run of the usual memory layout,
        and what the scores of a detector are compared with. A model without any is refused here.
        """
        if self._glanced:
            return None
        try:
            found = self._first_scores(adapter, x)
            if adapter.boxes is not None and adapter.boxes.chosen:
                self._check_followed(adapter, x)
        except XaiHeatmapError:
            raise
        except Exception:  # noqa: BLE001 - it is told with what was tried after it
            return None
        self._glanced["answers"] = True
        return found

    def _first_scores(self, adapter: Adapter, x: Native) -> Timed:
        """Scores of one picture of `x`; of all where the model is a detector or gives none of one.

        Boxes are told by several pictures, and compared; so is what a refusal speaks of.
        """
        if adapter.boxes is None:
            tried = copy.copy(adapter)  # which learns of its own whether there are boxes
            with suppress(Exception, SystemExit):  # all of them are tried, and tell of it
                found = memory_layout.timed(lambda: self.scores(tried, self.tensor(x[:1])))
                if tried.boxes is None:
                    return found
        return memory_layout.timed(lambda: self.scores(adapter, self.tensor(x)))

    def _check_followed(self, adapter: Adapter, x: Native) -> None:
        """Refuse detections that no gradient leads back from, without keeping values for one."""
        with self.running(adapter, Undo()), torch.enable_grad(), NothingKept():
            scores = adapter.scores(self.tensor(x).requires_grad_().clone())
        if not scores.requires_grad:
            raise no_way_back()

    def consumed(self, adapter: Adapter, shape: tuple[int, ...]) -> Consumed:
        """Channel axis of an input, from a pass that ends once the axis is decided."""
        x = np.resize(np.random.default_rng(0).normal(size=NOISE), (torch_axes.ROWS, *shape))
        with self.running(adapter, Undo(), whole=False):
            return torch_axes.consumed(adapter.scores, self.tensor(x.astype(np.float32)))

    def answers(
        self, adapter: Adapter, x: Native, sites: Mapping[str, Site]
    ) -> Mapping[str, np.ndarray]:
        """Output of every site, in one forward pass."""
        return self.record(adapter, x, sites, Undo()).outputs

    def attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """Recording of a forward pass with attention written out, from which autograd starts."""
        attending = Attending()
        with ONE_AT_A_TIME, attending, self.running(adapter, undo):
            scores = adapter.scores(self.picture(adapter, x).clone())
        if self.untouched.surprised:
            return self.attend(adapter, x, undo)
        return self.recorded(scores, attending.found)

    def remembering(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        heads: Sequence[str],
    ) -> Recorded:
        """Recording of one image, with what its pass left for heads behind the layers `heads`."""
        return self.record(adapter, x, sites, undo, heads=heads)

    def head(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, *, whole: bool
    ) -> TorchHead:
        """Head behind `site` for the one image `x`."""
        return TorchHead(self, adapter, self.picture(adapter, x), name, site, undo, whole=whole)

    def head_from(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, memory: Memory
    ) -> TorchHead:
        """Head behind `site` for the one image `x`, from what its recorded pass left."""
        own = self.picture(adapter, x)
        return TorchHead(self, adapter, own, name, site, undo, whole=False, memory=memory)
