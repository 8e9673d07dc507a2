"""The one primitive: when a part of a model has spoken, look at what it said, or answer something
else.

A part is anything with a method that runs it: ``torch.nn.Module.forward``,
``keras.Operation.call``. The method is shadowed by an attribute of the instance for as long as a
``with`` block lasts, so every kind of model works, nested and subclassed ones too, and nothing of
it is rebuilt.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

At = Callable[[str, Any], Any]
"""``at(name, value) -> value``: called with a layer's name and its main tensor; answers what goes
on."""


@dataclass(frozen=True)
class Site:
    """One call of one part: where a tap stands.

    Parameters
    ----------
    part
        The object that runs.
    call
        Which of its calls within one forward pass, from 0.
    """

    part: object
    call: int


@contextmanager
def intercepted(
    parts: Iterable[object],
    method: str,
    around: Callable[[Any, Callable[..., Any]], Callable[..., Any]],
) -> Iterator[None]:
    """Within the block, ``part.method(...)`` goes through ``around(part, method)``; given back in
    any case.
    """
    unique = list({id(part): part for part in parts}.values())
    own = {id(part): vars(part)[method] for part in unique if method in vars(part)}
    try:
        for part in unique:
            vars(part)[method] = around(part, getattr(part, method))
        yield
    finally:
        for part in unique:
            vars(part).pop(method, None)
            if id(part) in own:
                vars(part)[method] = own[id(part)]


@contextmanager
def tapped(sites: Mapping[str, Site], method: str, at: At) -> Iterator[None]:
    """Within the block, what every site says goes through ``at(name, value)``."""
    names = {(id(site.part), site.call): name for name, site in sites.items()}

    def heard(part: object, call: int, output: Any) -> Any:
        name = names.get((id(part), call))
        return output if name is None else answered(output, lambda value: at(name, value))

    with _listening([site.part for site in sites.values()], method, heard):
        yield


@contextmanager
def overheard(
    parts: Mapping[str, object], method: str, at: Callable[[str, int, Any], Any]
) -> Iterator[None]:
    """Within the block, every call of every part goes through ``at(path, call, value)``."""
    paths = {id(part): path for path, part in reversed(list(parts.items()))}

    def heard(part: object, call: int, output: Any) -> Any:
        return answered(output, lambda value: at(paths[id(part)], call, value))

    with _listening(parts.values(), method, heard):
        yield


@contextmanager
def _listening(
    parts: Iterable[object], method: str, heard: Callable[[object, int, Any], Any]
) -> Iterator[None]:
    """Within the block, a part answers what ``heard(part, call, output)`` makes of its output."""
    calls: Counter[int] = Counter()

    def around(part: Any, run: Callable[..., Any]) -> Callable[..., Any]:
        def listened(*args: Any, **kwargs: Any) -> Any:
            call = calls[id(part)]
            calls[id(part)] += 1
            return heard(part, call, run(*args, **kwargs))

        return listened

    with intercepted(parts, method, around):
        yield


def answered(output: Any, change: Callable[[Any], Any]) -> Any:
    """`output` with its main tensor, the first one in it, put through `change`."""
    if isinstance(output, Mapping):
        for key, value in output.items():
            if _holds_tensor(value):
                changed = answered(value, change)
                return output if changed is value else _like(output, {**output, key: changed})
        return output
    if isinstance(output, tuple | list):
        for place, value in enumerate(output):
            if _holds_tensor(value):
                rest = list(output)
                rest[place] = answered(value, change)
                return _like(output, rest)
        return output
    return change(output) if _is_tensor(output) else output


def mapped(output: Any, change: Callable[[Any], Any]) -> Any:
    """`output` with every tensor in it put through `change`."""
    if isinstance(output, Mapping):
        return _like(output, {key: mapped(value, change) for key, value in output.items()})
    if isinstance(output, tuple | list):
        rest = [mapped(value, change) for value in output]
        return _like(output, rest)
    return change(output) if _is_tensor(output) else output


def _like(output: Any, items: Any) -> Any:
    """`items` in a container of the kind that `output` is, named tuples included."""
    kind: Any = type(output)
    return kind(*items) if hasattr(output, "_fields") else kind(items)


def _holds_tensor(output: Any) -> bool:
    if isinstance(output, Mapping):
        return any(map(_holds_tensor, output.values()))
    if isinstance(output, tuple | list):
        return any(map(_holds_tensor, output))
    return _is_tensor(output)


def _is_tensor(value: Any) -> bool:
    """Arrays of every framework have a shape and a dtype; nothing else that a layer answers has
    both.
    """
    return hasattr(value, "shape") and hasattr(value, "dtype")
