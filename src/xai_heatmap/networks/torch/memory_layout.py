"""Memory layout of pictures on their way into a PyTorch model: channels first, or channels last.

PyTorch computes convolutions in either layout, and lets a picture's strides decide. Which of them
is fast depends on the model and the processor, so both are tried once.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.networks.loading.loaded import first_line
from xai_heatmap.networks.opening.interfaces import Adapter, LayerCall

Home = tuple[torch.device, torch.dtype]
"""Device and precision of a model."""

LARGE = 10_000_000
"""Fewest multiplications of a model's convolutions, for one picture, at which a layout is tried:
those of a smaller model take about a millisecond, and its time would be chance."""

SAME = 1e-4
"""Most that scores may differ between the layouts, relative to the largest score."""

MANY = 8
"""Pictures from which on a batch is tried for itself: another layout may be the fast one there.
Methods of masks run batches of ten pictures of the usual size."""

FINE = 1e-4
"""Seconds that a clock has to tell apart."""

FIRST, LAST = torch.contiguous_format, torch.channels_last

NOTE = "memory layout"

FIRST_FOR = "Pictures lie in memory with their channels first, and not last (torch.channels_last): "


Verdict = Literal["first", "either", "last"]
"""What a model takes: channels first alone, either layout as pictures come, or channels last, as
that is faster."""

Run = Callable[[torch.Tensor], torch.Tensor]
"""From pictures on the device to scores."""

Timed = tuple[float, torch.Tensor]
"""Seconds that a run took, and its scores."""


@dataclass(frozen=True)
class MemoryLayouts:
    """Layouts that one model takes, learnt by running it once in each.

    Parameters
    ----------
    known
        What was learnt, for each device and precision.
    notes
        Where that is said to the user, under the name `NOTE`.
    many
        For each device and precision: the fast layout of large batches, where that was tried since
        channels last was no faster for one picture; None while one such batch has come.
    """

    known: dict[Home, Verdict]
    notes: dict[str, str]
    many: dict[Home, Verdict | None]

    def of(self, adapter: Adapter, x: Native, home: Home) -> torch.memory_format:
        """Layout for the pictures `x`: channels last where that is faster, or where the pictures
        come so and the model takes them so.
        """
        takes = self.known.get(home, "first") if _may(adapter, x) else "first"
        if takes == "either" and len(x) >= MANY and self.many.get(home) == "last":
            takes = "last"
        return LAST if takes == "last" or (takes == "either" and channels_last(x)) else FIRST

    def learn(
        self, adapter: Adapter, x: Native, home: Home, run: Run, *, before: Timed | None = None
    ) -> None:
        """Run one picture of `x` in both layouts, unless that was done before.

        In the first run of a layout PyTorch prepares its kernels: what it takes is no less than
        what a later one takes. So a first run that is no slower than the later one of the other
        layout needs no second run.

        Parameters
        ----------
        run
            From pictures on the device to scores; the model's state is put back after it.
        before
            The first run of that picture with channels first, where that was made already.
        """
        if home in self.known or not _may(adapter, x):
            return
        first, last = _in_both(x[:1], home)
        self.known[home] = "first"
        try:
            other, answered = timed(lambda: run(last))
        except Exception as problem:
            if out_of_memory(problem):
                raise
            self.notes[NOTE] = FIRST_FOR + f"the model fails on the other ({first_line(problem)})."
            return
        usual, scores = before or timed(lambda: run(first))
        if not _same(answered, scores):
            self.notes[NOTE] = FIRST_FOR + "the model gives other scores for the other."
            return
        self.known[home] = "either"
        if home[0].type != "cpu":
            return
        if other < usual:
            usual, _ = timed(lambda: run(first))
            other = other if other < usual else timed(lambda: run(last))[0]
        else:
            other, _ = timed(lambda: run(last))
            usual = timed(lambda: run(first))[0] if other < usual else usual
        if other < usual:  # of one picture; a batch wins more
            self.known[home] = "last"
            self.notes[NOTE] = _faster("one", other / usual)

    def learn_of_many(self, adapter: Adapter, x: Native, home: Home, run: Run) -> None:
        """Run `MANY` pictures in both layouts, when a second batch of so many or more comes to a
        model for which one picture is no faster with channels last: a loop is under way, and two
        passes are made up for in a few batches.
        """
        if self.known.get(home) != "either" or home[0].type != "cpu" or len(x) < MANY:
            return
        if not _may(adapter, x) or channels_last(x) or adapter.held.images != 1:
            return
        if home not in self.many:
            self.many[home] = None
        elif self.many[home] is None:
            self.many[home] = "first"
            first, last = _in_both(x[:MANY], home)
            other, answered = timed(lambda: run(last))
            usual, scores = timed(lambda: run(first))
            if other < usual and _same(answered, scores):
                self.many[home] = "last"
                self.notes[NOTE] = _faster(f"a batch of {MANY}", other / usual)


def _in_both(x: Native, home: Home) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures with their channels first, and the same with their channels last."""
    first = torch.as_tensor(np.ascontiguousarray(x), device=home[0]).to(home[1])
    return first, first.contiguous(memory_format=LAST)


def _faster(what: str, share: float) -> str:
    return (
        f"Pictures are laid into memory with their channels last (torch.channels_last): {what} "
        f"took {share:.2f} of the usual time on this processor, with the same "
        "scores. Weights and layout of the model itself are as they were."
    )


def worth_trying(parts: Mapping[str, object], calls: Sequence[LayerCall]) -> bool:
    """Whether the convolutions of a model multiply so much that a layout matters."""
    work = 0
    for call in calls:
        part = parts.get(call.path)
        if isinstance(part, nn.Conv2d) and len(call.shape) == 4:
            work += part.weight.numel() * call.shape[2] * call.shape[3]
    return work >= LARGE


def channels_last(x: np.ndarray | torch.Tensor) -> bool:
    """Whether (n, c, H, W) lies in memory as (n, H, W, c), and not as (n, c, H, W)."""
    if x.ndim != 4:
        return False
    if isinstance(x, torch.Tensor):
        return x.is_contiguous(memory_format=LAST) and not x.is_contiguous()
    return x.transpose(0, 2, 3, 1).flags.c_contiguous and not x.flags.c_contiguous


def laid(x: Native, layout: torch.memory_format, device: torch.device) -> torch.Tensor:
    """Tensor of `x` in a memory layout, without a copy where it lies so on the processor."""
    if layout is FIRST or not channels_last(x):
        x = np.ascontiguousarray(x)
    tensor = torch.from_numpy(x if x.flags.writeable else x.copy(order="K")).to(device)
    return tensor.contiguous(memory_format=layout)


def timed(run: Callable[[], torch.Tensor]) -> Timed:
    """Seconds that `run` takes, and its answer: of the processor where they are counted finely, so
    that other work on the machine decides nothing.
    """
    fine = time.get_clock_info("process_time").resolution <= FINE
    clock = time.process_time if fine else time.perf_counter
    start = clock()
    answer = run()
    return clock() - start, answer


def _same(scores: torch.Tensor, usual: torch.Tensor) -> bool:
    """Whether scores are the usual ones but for rounding."""
    if scores.shape != usual.shape:
        return False
    most = (scores.double() - usual.double()).abs().max()
    return bool(most <= SAME * usual.double().abs().max())


def _may(adapter: Adapter, x: Native) -> bool:
    """Whether pictures have channels to lay last, and go to the model in the axes of `x`."""
    return x.ndim == 4 and x.shape[1] > 1 and adapter.axes is None and not adapter.channels_last
