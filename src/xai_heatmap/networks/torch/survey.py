"""Survey of a torch model by one pass: every call of every part, and autograd's graph."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._C._functorch import is_functorch_wrapped_tensor

from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, LayerCall, ModelTrace
from xai_heatmap.networks.opening.layout_probe import Moves, moves
from xai_heatmap.networks.opening.mixing import mixes
from xai_heatmap.networks.torch.final_activation import ClosingCalls, same
from xai_heatmap.networks.torch.passes import array

SUMS = ("AddBackward0", "SumBackward0")


class _Unknown:
    """Stand-in for the node of a value that autograd's graph does not contain."""


def _differs(value: torch.Tensor) -> bool:
    """Whether a value, not followed by autograd, differs between the pictures of a survey."""
    counted = value.shape[:1] == (IMAGES_IN_A_SURVEY,)
    return counted and not torch.equal(value[0], value[-1])


class Watch:
    """Watcher of all calls of all parts, each marked by a node of its own in autograd's graph."""

    def __init__(self, sides: Sequence[int]) -> None:
        self._calls: list[tuple[str, int, torch.Tensor, torch.Tensor, Any]] = []
        self._sides = sides
        self._moves: dict[tuple[str, int], Moves] = {}
        self._passed: dict[int, Moves | None] = {}
        self._second: dict[tuple[str, int], torch.Tensor] = {}

    def at(self, path: str, call: int, value: torch.Tensor) -> torch.Tensor:
        if is_functorch_wrapped_tensor(value):  # of one picture within `torch.vmap`: no array
            return value
        with torch.enable_grad():
            passed = value.clone() if value.requires_grad else value
        if id(value) not in self._passed or not value.requires_grad:
            floats = value.is_floating_point() and len(self._sides) > 0
            self._passed[id(passed)] = moves(array(value), self._sides) if floats else None
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

        sources, sums, passing = _autograd_graph(scores.grad_fn, number)
        lost = {
            (path, call)
            for path, call, value, _, node in self._calls
            if isinstance(node, _Unknown) and self._still(path, call, value)
        }
        calls = [
            LayerCall(path, call, type(parts[path]).__name__, tuple(value.shape), number(node))
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
        )

    def _last(self, scores: torch.Tensor) -> tuple[list[str], torch.Tensor]:
        """Paths of the parts whose output is the model's, and the innermost part's output."""
        last, output = [], scores
        for path, _, value, passed, _ in reversed(self._calls):
            if same(passed, output):
                last.append(path)
                output = value
        return last, output


def _autograd_graph(
    output: Any, number: Callable[[Any], int]
) -> tuple[dict[int, list[int]], frozenset[int], frozenset[int]]:
    """Sources of every autograd node, nodes that are sums, and nodes that mix no features."""
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
