"""Survey of a torch model by one pass: every call of every part, and autograd's graph."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast

import torch
from torch._C import _are_functorch_transforms_active as transforming
from torch._C._functorch import is_functorch_wrapped_tensor

from xai_heatmap.core.layers.placing import Window, read_by
from xai_heatmap.networks.opening.changes import Moves, Room, moves
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, LayerCall, ModelTrace
from xai_heatmap.networks.opening.mixing import mixes
from xai_heatmap.networks.torch.final_activation import ClosingCalls, same
from xai_heatmap.networks.torch.passes import array
from xai_heatmap.networks.torch.windows import windows_of

SUMS = ("AddBackward0", "SumBackward0")


SMALL = 1 << 16
"""Bytes up to which an output is held to the end of the survey in any case."""


class _Unknown:
    """Stand-in for the node of a value that autograd's graph does not contain."""


class NothingKept:
    """Context of a pass for autograd's graph alone: nothing is kept for a way back."""

    def __init__(self) -> None:
        self.asked = False
        """Whether the model itself went back in the pass, and missed what was not kept."""
        self.over = False
        """Whether the pass is over, and only shapes are asked for: those of kernels."""

    def __enter__(self) -> None:
        self._hooks = torch.autograd.graph.saved_tensors_hooks(_shape, self._missed)
        self._hooks.__enter__()

    def __exit__(self, *raised: object) -> None:
        self._hooks.__exit__(*raised)
        self.over = True

    def _missed(self, shape: tuple[int, ...]) -> torch.Tensor:
        if self.over:
            return torch.empty(shape, device="meta")
        self.asked = True
        raise RuntimeError("nothing was kept of this pass")


def _shape(value: torch.Tensor) -> tuple[int, ...]:
    return tuple(value.shape)


class _Marked(torch.autograd.Function):
    """A tensor as it is, in the same memory, with a node of its own in autograd's graph."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor) -> torch.Tensor:
        return value.detach()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


def _marked(value: torch.Tensor) -> torch.Tensor:
    """`value` with a node of its own, which no other part's output has. Nothing is copied, except
    where torch takes no such function: of other kinds of tensors, and while it transforms others.
    """
    if not value.requires_grad:
        return value
    with nullcontext() if torch.is_grad_enabled() else torch.enable_grad():
        if type(value) is not torch.Tensor or transforming():
            return value.clone()
        return cast("torch.Tensor", _Marked.apply(value))


class _Seen:
    """One call of one part: its output as it came and as it was passed on, as long as the model
    holds that, and its node.
    """

    def __init__(self, path: str, call: int, value: torch.Tensor, passed: torch.Tensor) -> None:
        self.path, self.call, self.shape = path, call, tuple(value.shape)
        self.version = passed._version  # noqa: SLF001 - torch has no other way
        self.node: Any = passed.grad_fn or _Unknown()
        self._kept = kept = [value]
        self._held = passed if value is passed or value.nbytes <= SMALL else None
        self._passed = weakref.ref(passed, lambda _: kept.clear())

    @property
    def value(self) -> torch.Tensor | None:
        """The output as it came, None where what was passed on is gone."""
        return self._kept[0] if self._kept else None

    @property
    def passed(self) -> torch.Tensor | None:
        """What was passed on, None where it is gone."""
        passed = self._passed()
        if passed is not None:
            passed._fix_weakref()  # type: ignore[attr-defined]  # noqa: SLF001 - of a tensor that autograd alone had held
        return passed

    @property
    def lost(self) -> torch.Tensor | None:
        """The output, where autograd lost the way to it."""
        return self.value if isinstance(self.node, _Unknown) else None


def _differs(value: torch.Tensor) -> bool:
    """Whether a value, not followed by autograd, differs between the pictures of a survey."""
    counted = value.shape[:1] == (IMAGES_IN_A_SURVEY,)
    return counted and not torch.equal(value[0], value[-1])


class Watch:
    """Watcher of all calls of all parts, each marked by a node of its own in autograd's graph.

    What autograd follows is not held: all outputs of a model at once are many times the memory of
    a pass, and memory that is new takes longer than the pass.
    """

    def __init__(self, sides: Sequence[int]) -> None:
        self._calls: list[_Seen] = []
        self._sides, self._room = sides, Room()
        self._moves: dict[tuple[str, int], Moves] = {}
        self._passed: dict[int, tuple[_Seen, Moves | None]] = {}
        self._second: dict[tuple[str, int], torch.Tensor] = {}

    def at(self, path: str, call: int, value: torch.Tensor) -> torch.Tensor:
        if is_functorch_wrapped_tensor(value):  # of one picture within `torch.vmap`: no array
            return value
        if type(value) is not torch.Tensor:
            return self._seen(path, call, value)
        with torch._C.DisableTorchFunction():  # noqa: SLF001 - modes would follow every question
            return self._seen(path, call, value)

    def _seen(self, path: str, call: int, value: torch.Tensor) -> torch.Tensor:
        inner, moved = self._passed.get(id(value), (None, None))
        if inner is None or inner.passed is not value or not value.requires_grad:
            floats = value.is_floating_point() and len(self._sides) > 0
            moved = moves(array(value), self._sides, self._room) if floats else None
        # else: what an inner part said goes on as the outer part's own
        if moved is not None:
            self._moves[path, call] = moved
        passed = _marked(value)
        seen = _Seen(path, call, value, passed)
        self._calls.append(seen)
        self._passed[id(passed)] = seen, moved
        return passed

    @property
    def unfollowed(self) -> bool:
        """Whether autograd lost the way to any value that is another for each picture."""
        lost = (seen.lost for seen in self._calls)
        return any(value is not None and _differs(value) for value in lost)

    def again(self, path: str, call: int, value: torch.Tensor) -> torch.Tensor:
        """Keep the value of a call in a second pass, with the pictures in another order."""
        self._second[path, call] = value
        return value

    def _still(self, path: str, call: int, value: torch.Tensor) -> bool:
        """Whether a value did not change in the second pass, so does not depend on the picture."""
        other = self._second.get((path, call))
        return other is not None and other.shape == value.shape and torch.equal(other, value)

    def sightings(
        self,
        parts: Mapping[str, object],
        image: torch.Tensor,
        scores: torch.Tensor,
        closing: "ClosingCalls",
    ) -> ModelTrace:
        numbers: dict[Any, int] = {}

        def number(node: Any) -> int:
            return numbers.setdefault(node, len(numbers))

        sources, sums, passing, windows = _autograd_graph(scores.grad_fn, number)
        lost = {(seen.path, seen.call): seen.lost for seen in self._calls}
        still = {
            call for call, value in lost.items() if value is not None and self._still(*call, value)
        }
        calls = [
            LayerCall(
                seen.path, seen.call, type(parts[seen.path]).__name__, seen.shape, number(seen.node)
            )
            for seen in self._calls
            if (seen.path, seen.call) not in still
        ]
        leaves = (node for node in numbers if getattr(node, "variable", None) is image)
        start = number(next(leaves, object()))
        for seen in self._calls:
            value = lost[seen.path, seen.call]
            if value is not None and _differs(value) and (seen.path, seen.call) not in still:
                sources[number(seen.node)] = [start]
        last, output = self._last(scores)
        found, mark = closing.of(output)
        return ModelTrace(
            calls,
            sources,
            start,
            number(scores.grad_fn or object()),
            sums,
            last,
            found,
            mark,
            tuple(scores.shape),
            answers=array(scores) if scores.ndim == 2 else None,  # maps of scores are large
            passing=passing,
            moves=self._moves,
            windows=windows,
        )

    def _last(self, scores: torch.Tensor) -> tuple[list[str], torch.Tensor]:
        """Paths of the parts whose output is the model's, and the innermost part's output."""
        last, output = [], scores
        for seen in reversed(self._calls):
            passed, value = seen.passed, seen.value
            if passed is not None and value is not None and same(passed, output, seen.version):
                last.append(seen.path)
                output = value
        return last, output


def _autograd_graph(
    output: Any, number: Callable[[Any], int]
) -> tuple[dict[int, list[int]], frozenset[int], frozenset[int], dict[int, list[Window]]]:
    """Sources of every autograd node, nodes that are sums, nodes that mix no features, and windows
    of nodes.
    """
    sources: dict[int, list[int]] = {}
    sums, passing = set[int](), set[int]()
    windows: dict[int, list[Window]] = {}
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
        if found := read_by(windows_of, node):
            windows[number(node)] = found
        todo.extend(before)
    return sources, frozenset(sums), frozenset(passing), windows
