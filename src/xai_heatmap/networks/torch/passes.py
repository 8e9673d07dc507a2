"""Forward pass through a torch model with taps, the context of the pass, and the backward pass."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.memory import out_of_memory
from xai_heatmap.core.network import INPUT
from xai_heatmap.networks.opening.drawing import DRAWS
from xai_heatmap.networks.opening.interfaces import Adapter, Recorded, Undo, UseNative
from xai_heatmap.networks.opening.taps import Site, tapped
from xai_heatmap.networks.rules import GRADIENT, TORCH, BackwardRule, implemented_by
from xai_heatmap.networks.torch.codes import Crossed, numbers
from xai_heatmap.networks.torch.final_activation import LeaveOut
from xai_heatmap.networks.torch.memories import Memories
from xai_heatmap.networks.torch.memory_layout import FIRST, Home, MemoryLayouts, laid
from xai_heatmap.networks.torch.module_tree import Modules
from xai_heatmap.networks.torch.state import Untouched
from xai_heatmap.networks.torch.taps import Taps
from xai_heatmap.networks.torch.way_back import pull

ONE_AT_A_TIME = threading.RLock()
"""The random state and torch's fast path for attention are one for all models of a process."""


class Passes:
    """Passes through one model, on one device and in one dtype.

    Parameters
    ----------
    home
        Where and in what precision the model lives at the time; numpy float32 crosses the
        boundary.
    modules
        All modules that the model has at the time.
    kept
        What is remembered of the model between calls.
    """

    def __init__(
        self,
        *,
        home: Callable[[], tuple[torch.device, torch.dtype]],
        modules: Callable[[], Sequence[torch.nn.Module]],
        kept: dict[Any, Any],
    ) -> None:
        self._home = home
        self._modules = modules
        self.untouched: Untouched = kept.setdefault("untouched", Untouched())
        self._overwritten: dict[str, bool] = kept.setdefault("overwritten", {})
        self._draws: list[None] = kept.setdefault(DRAWS, [])
        self.layouts = MemoryLayouts(
            kept.setdefault("layouts", {}),
            kept.setdefault("notes", {}),
            kept.setdefault("layouts of many", {}),
        )

    def record(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        *,
        rule: BackwardRule = GRADIENT,
        heads: Sequence[str] = (),
    ) -> Recorded:
        """Recording of one forward pass; autograd records nothing before the first tap.

        PyTorch carries a backward rule out by a `TorchFunctionMode` around the pass. The mode of a
        rule of bias terms has the terms in `found`, and passes on their gradients in `giving`. One
        that carries other scores along has these in `of`.
        """
        home = self._home()
        layout = self.layout_of(adapter, x, home)
        taps, memories = Taps(self._overwritten), Memories()
        around = nullcontext() if rule is GRADIENT else implemented_by(rule, TORCH)()
        with (
            ONE_AT_A_TIME,
            around,
            self.running(adapter, undo),
            torch.set_grad_enabled(bool(sites)),
        ):
            image = self.tensor(x, layout, home)
            if INPUT in sites:
                image = taps.at(INPUT, image)
            elif shared(image, x):
                image = image.clone()  # a model may write into its input
            inner = {name: site for name, site in sites.items() if name != INPUT}
            crossed, scores = Crossed(taps.kept), None
            with (
                memories.kept(adapter, {name: sites[name] for name in heads}),
                tapped(inner, adapter.method, taps.at),
                crossed.watching(adapter.parts(), adapter.method),
            ):
                try:
                    scores = adapter.scores(image)
                    scores = getattr(around, "of", _as_it_is)(scores)
                except RuntimeError as problem:
                    if out_of_memory(problem) or not taps.taken_back():
                        raise
        if scores is None or not taps.settle() or self.untouched.surprised:
            return self.record(adapter, x, sites, undo, rule=rule, heads=heads)
        added = around if rule.kind == "terms" else None
        found = self.recorded(scores, taps.kept, added, crossed)
        return replace(found, memories=memories.untouched()) if heads else found

    def recorded(
        self,
        scores: torch.Tensor,
        taps: Mapping[str, torch.Tensor],
        added: Any = None,
        crossed: Crossed | None = None,
    ) -> Recorded:
        unique = {id(tap): tap for tap in taps.values()}
        names: dict[int, list[str]] = {}
        for name, tap in taps.items():
            names.setdefault(id(tap), []).append(name)

        def stream(cotangent: Native, use: UseNative) -> None:
            if crossed is not None:
                crossed.check()
            given = set()

            def give(key: int, gradient: torch.Tensor | None) -> None:
                if key not in given:
                    given.add(key)
                    own = torch.zeros_like(unique[key]) if gradient is None else gradient
                    use(names[key], array(own))

            if scores.requires_grad:
                with _no_inference():
                    seed = torch.as_tensor(cotangent, device=scores.device).to(scores.dtype)
                giving = (
                    nullcontext()
                    if added is None
                    else added.giving(lambda name, gradient: use([name], array(gradient)))
                )
                with giving:
                    pull(scores, unique, seed, give)
            for key in unique:
                give(key, None)

        def pullback(cotangent: Native) -> dict[str, np.ndarray]:
            found: dict[str, np.ndarray] = {}
            stream(cotangent, lambda same, own: found.update(dict.fromkeys(same, own)))
            return found

        found = {} if added is None else added.found
        biases = {name: array(bias) for name, bias in found.items()}

        arrays = {key: array(tap) for key, tap in unique.items()}
        outputs = {name: arrays[id(tap)] for name, tap in taps.items()}
        return Recorded(array(scores), outputs, pullback, stream, biases)

    def scores(self, adapter: Adapter, x: torch.Tensor) -> torch.Tensor:
        """Scores of pictures as they lie on the device, in a pass of their own."""
        with self.running(adapter, Undo()), torch.no_grad():
            return adapter.scores(x.clone())

    def picture(self, adapter: Adapter, x: Native) -> torch.Tensor:
        """Pictures on the model's device, in the memory layout that suits the model."""
        return self.tensor(x, self.layouts.of(adapter, x, self._home()))

    def layout_of(
        self, adapter: Adapter, x: Native, home: Home | None = None
    ) -> torch.memory_format:
        """Layout that suits the model, of large batches tried when a second one comes."""
        home = home or self._home()
        self.layouts.learn_of_many(adapter, x, home, partial(self.scores, adapter))
        return self.layouts.of(adapter, x, home)

    def tensor(
        self, x: Native, layout: torch.memory_format = FIRST, home: Home | None = None
    ) -> torch.Tensor:
        with _no_inference():
            device, dtype = home or self._home()
            tensor = laid(x, layout, device)
            return tensor.to(dtype) if tensor.is_floating_point() else tensor

    @contextmanager
    def running(
        self, adapter: Adapter, undo: Undo, *, again: bool = False, whole: bool = True
    ) -> Iterator[None]:
        """Context of a pass, independent of the caller's mode; `again` is for a part of an earlier
        pass, ``whole=False`` for a pass that ends early.
        """
        device, _ = self._home()
        devices = [device.index or 0] if device.type == "cuda" else []
        with ExitStack() as stack:
            stack.enter_context(ONE_AT_A_TIME)
            fast = torch.backends.mha.get_fastpath_enabled()
            stack.enter_context(
                torch.random.fork_rng(devices) if device.type != "cpu" else self._generator()
            )
            stack.enter_context(_no_inference())
            stack.enter_context(torch.enable_grad())
            if isinstance(self._modules, Modules):
                stack.enter_context(self._modules.once())
            modules, untouched = self._modules(), self.untouched
            stack.enter_context(
                untouched.again(modules) if again else untouched.during(modules, whole=whole)
            )
            stack.enter_context(adapter.ready())
            stack.enter_context(adapter.undone(undo.part))
            if undo.mark is not None:
                stack.enter_context(LeaveOut(undo.mark))
            torch.backends.mha.set_fastpath_enabled(False)
            try:
                yield
            finally:
                torch.backends.mha.set_fastpath_enabled(fast)

    @contextmanager
    def _generator(self) -> Iterator[None]:
        """Within the block a model may draw from PyTorch's own generator, whose state is put back.

        Passes that draw are noted, up to two: the first may have made the weights of lazy layers.
        """
        before = torch.get_rng_state()
        try:
            yield
        finally:
            if len(self._draws) < 2 and not torch.equal(torch.get_rng_state(), before):
                self._draws.append(None)
            torch.set_rng_state(before)


def _no_inference() -> AbstractContextManager[object]:
    """Context outside of inference mode."""
    off = not torch.is_inference_mode_enabled()
    return nullcontext() if off else torch.inference_mode(mode=False)


def _as_it_is(scores: torch.Tensor) -> torch.Tensor:
    return scores


def shared(tensor: torch.Tensor, x: Native) -> bool:
    """Whether a tensor lies where an array does, so that what is written into one is in both."""
    return tensor.device.type == "cpu" and tensor.data_ptr() == x.ctypes.data


def array(tensor: torch.Tensor) -> np.ndarray:
    """Tensor as a numpy array: real numbers as float32, codes dequantised; shares memory where
    possible.
    """
    tensor = numbers(tensor.detach())
    if tensor.is_floating_point() and tensor.dtype != torch.float32:
        tensor = tensor.float()
    return tensor.cpu().numpy()
