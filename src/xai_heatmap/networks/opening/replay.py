"""Replay of a network: one run up to a layer, then any number of runs from the layer on.

Nothing is traced or cut: the model's own Python runs again, and every part that had finished
before the layer answers from memory. Skip connections, nesting and control flow need no analysis.
"""

from collections import Counter
from collections.abc import Callable, Mapping
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


def remember(
    parts: Mapping[str, object], method: str, site: Site, run: Callable[[], Any]
) -> Memory | None:
    """Run until `site` has run, and remember outputs so far; None if `site` never runs."""
    outputs: dict[Key, Any] = {}
    calls: Counter[int] = Counter()
    unfinished: list[list[Key]] = []
    within: dict[Key, Counter[int]] = {}

    def around(part: Any, call: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*args: Any, **kwargs: Any) -> Any:
            key = id(part), calls[id(part)]
            calls[id(part)] += 1
            unfinished.append([])
            output = call(*args, **kwargs)
            own = Counter[int]()
            for inner in unfinished.pop():
                outputs.pop(inner, None)
                own.update(within.pop(inner))
                own[inner[0]] += 1
            outputs[key], within[key] = output, own
            if unfinished:
                unfinished[-1].append(key)
            if part is site.part and key[1] == site.call:
                raise _Reached
            return output

        return recorded

    with intercepted(parts.values(), method, around):
        try:
            run()
        except _Reached:
            layer = id(site.part), site.call
            return Memory(outputs.pop(layer), layer, outputs, within)
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
