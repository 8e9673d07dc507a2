"""Replay of a network: one run up to a layer, then any number of runs from the layer on.

Nothing is traced or cut: the model's own Python runs again, and every part that had finished
before the layer answers from memory. Skip connections, nesting and control flow need no analysis.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from xai_heatmap.networks.opening.taps import Site, intercepted

Key = tuple[int, int]
"""Part, by id, and index of the call."""


class _Reached(BaseException):
    """Ends a pass once the layer has run; a `BaseException`, which no `except Exception` of a model
    catches.
    """


@dataclass(frozen=True)
class Memory:
    """Memory of one forward pass up to a layer: outputs of the parts that had finished.

    Parameters
    ----------
    output
        The layer's whole own output, of one image.
    layer
        The layer itself.
    outputs
        What the outermost parts said that had finished before it.
    within
        How often each part had been called inside of those.
    """

    output: Any
    layer: Key
    outputs: Mapping[Key, Any]
    within: Mapping[Key, Mapping[int, int]] = field(default_factory=dict)


@dataclass
class Trail:
    """Outputs of the parts of a pass that is under way, and memories up to some of its layers.

    Parameters
    ----------
    sites
        Layers up to which is remembered.
    reached
        Is told of each memory once its layer has run.
    """

    sites: Collection[Key]
    reached: Callable[[Memory], None]
    _outputs: dict[Key, Any] = field(default_factory=dict)
    _calls: Counter[int] = field(default_factory=Counter)
    _unfinished: list[list[Key]] = field(default_factory=list)
    _within: dict[Key, Counter[int]] = field(default_factory=dict)

    def around(self, part: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        """A part's method, whose output is kept until a part around it has finished."""
        outputs, calls, within = self._outputs, self._calls, self._within

        def recorded(*args: Any, **kwargs: Any) -> Any:
            key = id(part), calls[id(part)]
            calls[id(part)] += 1
            self._unfinished.append([])
            output = call(*args, **kwargs)
            own = Counter[int]()
            for inner in self._unfinished.pop():
                outputs.pop(inner, None)
                own.update(within.pop(inner))
                own[inner[0]] += 1
            outputs[key], within[key] = output, own
            if self._unfinished:
                self._unfinished[-1].append(key)
            if key in self.sites:
                before = {other: one for other, one in outputs.items() if other != key}
                self.reached(Memory(output, key, before, dict(within)))
            return output

        return recorded


def remember(
    parts: Mapping[str, object], method: str, site: Site, run: Callable[[], Any]
) -> Memory | None:
    """Run until `site` has run, and remember outputs so far; None if `site` never runs."""
    found: list[Memory] = []

    def reached(memory: Memory) -> None:
        found.append(memory)
        raise _Reached

    trail = Trail({(id(site.part), site.call)}, reached)
    with intercepted(parts.values(), method, trail.around):
        try:
            run()
        except _Reached:
            return found[0]
    return None


def replay(
    parts: Mapping[str, object],
    method: str,
    memory: Memory,
    answer: Callable[[], Any],
    *,
    spread: Callable[[Any], Any],
    run: Callable[[], Any],
) -> Any:
    """Run again with `answer()` as the layer's output and remembered outputs for earlier parts;
    `spread` repeats a remembered output for the batch.
    """
    calls: Counter[int] = Counter()
    asked = {key[0] for key in memory.outputs} | {memory.layer[0]}

    def around(part: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def answered(*args: Any, **kwargs: Any) -> Any:
            key = id(part), calls[id(part)]
            calls[id(part)] += 1
            if key == memory.layer or key in memory.outputs:
                calls.update(memory.within.get(key, {}))  # which do not run this time
            if key == memory.layer:
                return answer()
            if key in memory.outputs:
                return spread(memory.outputs[key])
            return call(*args, **kwargs)

        return answered

    with intercepted([part for part in parts.values() if id(part) in asked], method, around):
        return run()
