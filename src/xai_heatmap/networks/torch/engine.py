"""Values in PyTorch: followed through autograd's graph, differentiated from the first tap on,
replayed.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.errors import XaiHeatmapError
from xai_heatmap.core.network import INPUT
from xai_heatmap.networks.opening import replay
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.interfaces import (
    IMAGES_IN_A_SURVEY,
    Adapter,
    Closing,
    Recorded,
    Sighting,
    Sightings,
    Undo,
    UseNative,
)
from xai_heatmap.networks.opening.layout_probe import Moves, moves
from xai_heatmap.networks.opening.mixing import mixes
from xai_heatmap.networks.opening.taps import Site, answered, mapped, overheard, tapped
from xai_heatmap.networks.torch import axes as torch_axes
from xai_heatmap.networks.torch.attention import Attending
from xai_heatmap.networks.torch.bias_terms import Biases
from xai_heatmap.networks.torch.codes import Crossed, in_codes, in_rows, numbers
from xai_heatmap.networks.torch.deeplift import Secants
from xai_heatmap.networks.torch.libragrad import Balancing
from xai_heatmap.networks.torch.state import Untouched

CLOSING_FUNCTIONS: dict[str, Closing] = {
    "softmax": "softmax",
    "log_softmax": "softmax",
    "special_softmax": "softmax",
    "sigmoid": "sigmoid",
    "expit": "sigmoid",
    "special_expit": "sigmoid",
}
HELD_AT_ONCE = 32 << 20
"""Bytes of gradients up to which they are all held; beyond, each is dropped after its use."""

_PASSES = threading.RLock()
"""The random state and torch's fast path for attention are one for all models of a process."""

SUMS = ("AddBackward0", "SumBackward0")


class TorchEngine:
    """Follows, differentiates and replays torch tensors on one device and in one dtype.

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
        self._untouched: Untouched = kept.setdefault("untouched", Untouched())
        self._overwritten: dict[str, bool] = kept.setdefault("overwritten", {})
        self._glanced: dict[str, bool] = kept.setdefault("glanced", {})

    def survey(self, adapter: Adapter, x: Native) -> Sightings:
        """Watch every part once, with the picture as the only leaf of autograd's graph."""
        self._glance(adapter, x)
        sides = x.shape[1:-1] if adapter.channels_last else x.shape[2:]
        watch = _Watch(sides)
        image = self._tensor(x).requires_grad_()
        with (
            self._running(adapter, Undo()),
            _ClosingCalls() as closing,
            overheard(adapter.parts(), adapter.method, watch.at),
        ):
            scores = adapter.scores(image.clone())  # a model may write into its input
        if watch.unfollowed:
            with (
                self._running(adapter, Undo()),
                torch.no_grad(),
                overheard(adapter.parts(), adapter.method, watch.again),
            ):
                adapter.scores(self._tensor(x[::-1]))
        return watch.sightings(adapter.parts(), image, scores, closing)

    def _glance(self, adapter: Adapter, x: Native) -> None:
        """Refuse a model that answers no scores before autograd keeps everything for the way back;
        once a model.
        """
        if self._glanced:
            return
        try:
            with self._running(adapter, Undo()), torch.no_grad():
                adapter.scores(self._tensor(x))
        except XaiHeatmapError:
            raise
        except Exception:  # noqa: BLE001 - it is told with what was tried after it
            return
        self._glanced["answers"] = True

    def consumed(self, adapter: Adapter, shape: tuple[int, ...]) -> Consumed:
        """Which axis of an input the model reads as channels; a pass that ends there."""
        x = np.random.default_rng(0).normal(size=(torch_axes.ROWS, *shape)).astype(np.float32)
        with self._running(adapter, Undo(), whole=False):
            return torch_axes.consumed(adapter.scores, self._tensor(x))

    def answers(
        self, adapter: Adapter, x: Native, sites: Mapping[str, Site]
    ) -> Mapping[str, np.ndarray]:
        """What every site says, in one forward pass."""
        return self.record(adapter, x, sites, Undo()).outputs

    def record(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        *,
        biases: bool = False,
    ) -> Recorded:
        """One forward pass; autograd records nothing before the first tap."""
        taps, added = _Taps(self._overwritten), Biases()
        with (
            self._running(adapter, undo),
            torch.set_grad_enabled(bool(sites)),
            added if biases else nullcontext(),
        ):
            image = self._tensor(x)
            image = taps.at(INPUT, image) if INPUT in sites else image.clone()
            inner = {name: site for name, site in sites.items() if name != INPUT}
            crossed = Crossed(taps.kept)
            with (
                tapped(inner, adapter.method, taps.at),
                crossed.watching(adapter.parts(), adapter.method),
            ):
                scores = adapter.scores(image)
        if not taps.settle() or self._untouched.surprised:
            return self.record(adapter, x, sites, undo, biases=biases)
        return self._recorded(scores, taps.kept, added, crossed)

    def attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """One forward pass with attention written out; autograd records nothing before it."""
        attending = Attending()
        with _PASSES, attending, self._running(adapter, undo):
            scores = adapter.scores(self._tensor(x).clone())
        if self._untouched.surprised:
            return self.attend(adapter, x, undo)
        return self._recorded(scores, attending.found)

    def balance(
        self, adapter: Adapter, x: Native, sites: Mapping[str, Site], undo: Undo
    ) -> Recorded:
        """As `record`, with LibraGrad's way back."""
        with _PASSES, Balancing():
            return self.record(adapter, x, sites, undo)

    def head(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, *, whole: bool
    ) -> "TorchHead":
        """What lies behind `site` for the one image `x`."""
        return TorchHead(self, adapter, self._tensor(x), name, site, undo, whole=whole)

    def _recorded(
        self,
        scores: torch.Tensor,
        taps: Mapping[str, torch.Tensor],
        added: Biases | None = None,
        crossed: Crossed | None = None,
    ) -> Recorded:
        added = added or Biases()
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
                    use(names[key], _array(own))

            if scores.requires_grad:
                seed = torch.as_tensor(cotangent, device=scores.device).to(scores.dtype)
                with added.giving(lambda name, gradient: use([name], _array(gradient))):
                    _pull(scores, unique, seed, give)
            for key in unique:
                give(key, None)

        def pullback(cotangent: Native) -> dict[str, np.ndarray]:
            found: dict[str, np.ndarray] = {}
            stream(cotangent, lambda same, own: found.update(dict.fromkeys(same, own)))
            return found

        biases = {name: _array(bias) for name, bias in added.found.items()}

        arrays = {key: _array(tap) for key, tap in unique.items()}
        outputs = {name: arrays[id(tap)] for name, tap in taps.items()}
        return Recorded(_array(scores), outputs, pullback, stream, biases)

    def _tensor(self, x: Native) -> torch.Tensor:
        with torch.inference_mode(mode=False):
            device, dtype = self._home()
            tensor = torch.as_tensor(np.ascontiguousarray(x), device=device)
            return tensor.to(dtype) if tensor.is_floating_point() else tensor

    @contextmanager
    def _running(
        self, adapter: Adapter, undo: Undo, *, again: bool = False, whole: bool = True
    ) -> Iterator[None]:
        """Everything that a pass needs around it, whatever mode the caller is in; `again` for a
        part of what ran before, not `whole` for a pass that ends early.
        """
        device, _ = self._home()
        devices = [device.index or 0] if device.type == "cuda" else []
        with ExitStack() as stack:
            stack.enter_context(_PASSES)
            fast = torch.backends.mha.get_fastpath_enabled()
            stack.enter_context(torch.random.fork_rng(devices, enabled=True))
            stack.enter_context(torch.inference_mode(mode=False))
            stack.enter_context(torch.enable_grad())
            modules, untouched = self._modules(), self._untouched
            stack.enter_context(
                untouched.again(modules) if again else untouched.during(modules, whole=whole)
            )
            stack.enter_context(adapter.ready())
            stack.enter_context(adapter.undone(undo.part))
            if undo.mark is not None:
                stack.enter_context(_LeaveOut(undo.mark))
            torch.backends.mha.set_fastpath_enabled(False)
            try:
                yield
            finally:
                torch.backends.mha.set_fastpath_enabled(fast)


def _pull(
    scores: torch.Tensor,
    taps: Mapping[int, torch.Tensor],
    seed: torch.Tensor,
    give: Callable[[int, torch.Tensor | None], None],
) -> None:
    """One backward pass; `give` gets each tap's gradient when it is complete.

    Few bytes are asked for all at once. Of many, only the leaves are: every other tap descends
    from one, so the pass runs through all of them, and what a hook does not hold is freed on the
    way; but a hook costs as much as a small convolution.
    """
    taps = {key: tap for key, tap in taps.items() if tap.requires_grad}  # not whole numbers
    size = sum(tap.numel() * tap.element_size() for tap in taps.values())
    asked = taps if size <= HELD_AT_ONCE else {k: tap for k, tap in taps.items() if tap.is_leaf}
    hooks = [
        tap.register_hook(lambda gradient, key=key: give(key, gradient))
        for key, tap in taps.items()
        if key not in asked
    ]
    try:
        gradients = torch.autograd.grad(
            scores, list(asked.values()), seed, retain_graph=True, allow_unused=True
        )
    finally:
        for hook in hooks:
            hook.remove()
    for key, gradient in zip(asked, gradients, strict=True):
        give(key, gradient)


class TorchHead:
    """The network behind one layer, for one image."""

    def __init__(
        self,
        engine: TorchEngine,
        adapter: Adapter,
        x: torch.Tensor,
        name: str,
        site: Site,
        undo: Undo,
        *,
        whole: bool,
    ) -> None:
        self._engine, self._adapter, self._x, self._name, self._site, self._undo = (
            engine,
            adapter,
            x,
            name,
            site,
            undo,
        )
        self._whole = whole or name == INPUT
        self._parts = adapter.parts()
        self._copies = False
        self._memory = None if self._whole else self._remembered()
        own = x if name == INPUT else self._own_output()
        self._dtype = own.dtype if own.is_floating_point() else torch.float32
        self._rows = 1 if name == INPUT else len(own)  # more where frames are among the images
        self.output = _array(own)

    def __call__(self, output: Native) -> Recorded:
        """Scores for other outputs of the layer, opened at the layer."""
        activation, scores = self._run(output)
        return self._engine._recorded(  # noqa: SLF001
            scores, {self._name: activation}, crossed=self._crossed
        )

    def between(self, other: Native) -> Recorded:
        """Two rows, the layer's own output and `other`, run one after the other."""
        with _PASSES, Secants() as secants:
            before = self._run(other)[1]
            secants.rewind()
            activation, after = self._run(self.output)
        own = self._engine._recorded(after, {self._name: activation})  # noqa: SLF001
        scores = np.concatenate([own.scores, _array(before)])
        outputs = {self._name: np.concatenate([self.output, other])}

        def pullback(cotangent: Native) -> dict[str, np.ndarray]:
            slopes = own.pullback(cotangent[:1])[self._name]
            return {self._name: np.concatenate([slopes, np.zeros_like(slopes)])}

        return Recorded(scores, outputs, pullback)

    def _run(self, output: Native) -> tuple[torch.Tensor, torch.Tensor]:
        activation = self._engine._tensor(output)  # noqa: SLF001 - engine and head are one thought
        activation = activation.to(self._dtype).requires_grad_()
        try:
            scores = self._scores(activation)
            if self._engine._untouched.surprised:  # noqa: SLF001
                scores = self._scores(activation)
        except RuntimeError as problem:
            if self._copies or "single memory location" not in str(problem):
                raise
            self._copies = True  # a part writes in place into what was only lent to it
            scores = self._scores(activation)
        return activation, scores

    def _scores(self, activation: torch.Tensor) -> torch.Tensor:
        images = len(activation) // self._rows
        adapter, site, memory = self._adapter, self._site, self._memory
        crossed = self._crossed = Crossed({self._name: activation})
        with (
            self._engine._running(adapter, self._undo, again=True),  # noqa: SLF001
            crossed.watching(self._behind(), adapter.method),
        ):
            if self._name == INPUT:
                return adapter.scores(activation.clone())
            x = self._spread(self._x, images)
            if memory is None:
                with tapped(
                    {self._name: site},
                    adapter.method,
                    lambda _, value: in_codes(activation.clone(), value),
                ):
                    return adapter.scores(x)
            return replay.replay(
                self._parts,
                adapter.method,
                memory,
                lambda: answered(
                    mapped(memory.output, lambda t: self._spread(t, images)),
                    lambda value: in_codes(activation.clone(), value),
                ),
                spread=lambda output: mapped(output, lambda t: self._spread(t, images)),
                run=lambda: adapter.scores(x),
            )

    def _behind(self) -> Mapping[str, object]:
        """The parts that run behind the layer, or may do so; the layer itself is not run."""
        done = set() if self._memory is None else {key[0] for key in self._memory.outputs}
        own = {*done, id(self._site.part)}
        return {path: part for path, part in self._parts.items() if id(part) not in own}

    def _spread(self, value: torch.Tensor, images: int) -> torch.Tensor:
        if value.ndim == 0 or value.shape[0] != 1:
            return value
        if value.is_quantized:
            return in_rows(value, images)
        spread = value.expand(images, *value.shape[1:])
        return spread.clone() if self._copies or images == 1 else spread

    def _remembered(self) -> replay.Memory | None:
        with self._engine._running(self._adapter, self._undo), torch.no_grad():  # noqa: SLF001
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
            recorded = self._engine.record(
                self._adapter, _array(self._x), {self._name: self._site}, self._undo
            )
            return torch.as_tensor(recorded.outputs[self._name]).to(self._x.dtype)
        return found[0]


@dataclass
class _Taps:
    """The values at every tap of one pass, and whether a later part overwrote any of them."""

    overwritten: dict[str, bool]
    kept: dict[str, torch.Tensor] = field(default_factory=dict)
    _passed: dict[int, tuple[torch.Tensor, int, torch.Tensor]] = field(default_factory=dict)
    _copies: dict[str, torch.Tensor] = field(default_factory=dict)
    _lent: dict[str, tuple[torch.Tensor, int]] = field(default_factory=dict)

    def at(self, name: str, value: torch.Tensor) -> torch.Tensor:
        """Keep the value; pass on itself where nothing is known to write into it, else a copy."""
        known = self._passed.get(id(value))
        if known is not None and known[0] is value and value._version == known[1]:  # noqa: SLF001 - torch has no other way
            self.kept[name] = known[2]
            return value
        if not (value.is_floating_point() or value.is_complex()):
            self.kept[name] = value
            return value
        leaf = not value.requires_grad
        copied = leaf or self.overwritten.get(name, True)
        tap = value.detach().requires_grad_() if leaf else value
        if copied:  # a part of the model may have switched gradients off around itself
            with nullcontext() if torch.is_grad_enabled() else torch.enable_grad():
                passed = tap.clone()
        else:
            passed = tap
        self.kept[name] = tap
        if copied:
            self._copies[name] = passed
        else:
            self._lent[name] = tap, tap._version  # noqa: SLF001
        self._passed[id(passed)] = passed, passed._version, tap  # noqa: SLF001
        return passed

    def settle(self) -> bool:
        """Learn who was overwritten; False where a value was lent that should have been copied."""
        for name, copy in self._copies.items():
            self.overwritten[name] = self.overwritten.get(name, False) or copy._version > 0  # noqa: SLF001
        broken = [name for name, (tap, version) in self._lent.items() if tap._version != version]  # noqa: SLF001
        self.overwritten.update(dict.fromkeys(broken, True))
        self._passed.clear()
        self._copies.clear()
        return not broken


class _Unknown:
    """In place of a node of autograd's graph: what made the value is not in it."""


def _differs(value: torch.Tensor) -> bool:
    """Whether a value is another for each picture of a survey, where autograd did not follow it."""
    counted = value.shape[:1] == (IMAGES_IN_A_SURVEY,)
    return counted and not torch.equal(value[0], value[-1])


class _Watch:
    """Sees every call of every part, each marked by a node of its own in autograd's graph."""

    def __init__(self, sides: Sequence[int]) -> None:
        self._calls: list[tuple[str, int, torch.Tensor, torch.Tensor, Any]] = []
        self._sides = sides
        self._moves: dict[tuple[str, int], Moves] = {}
        self._passed: dict[int, Moves | None] = {}
        self._second: dict[tuple[str, int], torch.Tensor] = {}

    def at(self, path: str, call: int, value: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            passed = value.clone() if value.requires_grad else value
        if id(value) not in self._passed or not value.requires_grad:
            floats = value.is_floating_point() and len(self._sides) > 1
            self._passed[id(passed)] = moves(_array(value), self._sides) if floats else None
        else:  # what an inner part said goes on as the outer part's own
            self._passed[id(passed)] = self._passed[id(value)]
        if (moved := self._passed[id(passed)]) is not None:
            self._moves[path, call] = moved
        self._calls.append((path, call, value, passed, passed.grad_fn or _Unknown()))
        return passed

    @property
    def unfollowed(self) -> bool:
        """Whether autograd lost the way to any value that is another for each picture."""
        return any(
            isinstance(node, _Unknown) and _differs(own) for _, _, own, _, node in self._calls
        )

    def again(self, path: str, call: int, value: torch.Tensor) -> torch.Tensor:
        """Of the pictures in another order, values that stay as they are: no picture is in them."""
        self._second[path, call] = value
        return value

    def _still(self, path: str, call: int, value: torch.Tensor) -> bool:
        """Whether the value does not hang on the picture, as far as anybody looked."""
        other = self._second.get((path, call))
        return other is not None and other.shape == value.shape and torch.equal(other, value)

    def sightings(
        self,
        parts: Mapping[str, object],
        image: torch.Tensor,
        scores: torch.Tensor,
        closing: "_ClosingCalls",
    ) -> Sightings:
        numbers: dict[Any, int] = {}

        def number(node: Any) -> int:
            return numbers.setdefault(node, len(numbers))

        sources, sums, passing = _autograd_graph(scores.grad_fn, number)
        lost = {
            (path, call)
            for path, call, value, _, node in self._calls
            if isinstance(node, _Unknown) and self._still(path, call, value)
        }
        calls = [
            Sighting(path, call, type(parts[path]).__name__, tuple(value.shape), number(node))
            for path, call, value, _, node in self._calls
            if (path, call) not in lost
        ]
        leaves = (node for node in numbers if getattr(node, "variable", None) is image)
        start = number(next(leaves, object()))
        for path, call, value, _, node in self._calls:
            if isinstance(node, _Unknown) and _differs(value) and (path, call) not in lost:
                sources[number(node)] = [start]
        last, output = self._last(scores)
        found, mark = closing.of(output)
        return Sightings(
            calls,
            sources,
            start,
            number(scores.grad_fn or object()),
            sums,
            last,
            found,
            mark,
            tuple(scores.shape),
            answers=_array(scores) if scores.ndim == 2 else None,  # maps of scores are large
            passing=passing,
            moves=self._moves,
        )

    def _last(self, scores: torch.Tensor) -> tuple[list[str], torch.Tensor]:
        """The parts whose answer is the model's own, and that answer as the innermost of them gave
        it.
        """
        last, output = [], scores
        for path, _, value, passed, _ in reversed(self._calls):
            if _same(passed, output):
                last.append(path)
                output = value
        return last, output


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether both hold the same numbers in the same place: one is the other, or a view of all of
    it, such as squeezed, and nobody wrote into it since.
    """
    return one is other or (
        one.numel() == other.numel() > 0
        and one.data_ptr() == other.data_ptr()
        and one._version == other._version == 0  # noqa: SLF001 - torch has no other way
    )


def _autograd_graph(
    output: Any, number: Callable[[Any], int]
) -> tuple[dict[int, list[int]], frozenset[int], frozenset[int]]:
    """What every node was made of, those that add, and those that mix no features."""
    sources: dict[int, list[int]] = {}
    sums, passing = set[int](), set[int]()
    todo = [output] if output is not None else []
    while todo:
        node = todo.pop()
        if number(node) in sources:
            continue
        before = [source for source, _ in node.next_functions if source is not None]
        sources[number(node)] = [number(source) for source in before]
        if type(node).__name__ in SUMS:
            sums.add(number(node))
        if not mixes(type(node).__name__):
            passing.add(number(node))
        todo.extend(before)
    return sources, frozenset(sums), frozenset(passing)


class _ClosingCalls(TorchFunctionMode):
    """Counts the calls of softmax and sigmoid, by whatever name the model calls them."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: list[tuple[torch.Tensor, Closing]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        closing = CLOSING_FUNCTIONS.get(getattr(func, "__name__", ""))
        if closing is not None:
            self._answers.append((output, closing))
        return output

    def of(self, output: torch.Tensor) -> tuple[Closing | None, int | None]:
        """Which closing function answered `output`, and which of all their calls that was."""
        for call, (answer, closing) in enumerate(self._answers):
            if _same(answer, output):
                return closing, call
        return None, None


class _LeaveOut(TorchFunctionMode):
    """One call of softmax or sigmoid, counted as above, answers what it was given."""

    def __init__(self, call: int) -> None:
        super().__init__()
        self._left = call

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in CLOSING_FUNCTIONS:
            self._left -= 1
            if self._left == -1:
                return args[0] if args else (kwargs or {})["input"]
        return func(*args, **(kwargs or {}))


def _array(tensor: torch.Tensor) -> np.ndarray:
    """The tensor as numpy, float32 unless it is whole numbers, and what codes stand for; shares
    memory where it can.
    """
    tensor = numbers(tensor.detach())
    if tensor.is_floating_point() and tensor.dtype != torch.float32:
        tensor = tensor.float()
    return tensor.cpu().numpy()
