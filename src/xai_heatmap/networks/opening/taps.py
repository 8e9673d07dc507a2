"""Taps: read or replace the output of a part of a model, after the part has run.

A part is anything with a method that runs it: ``torch.nn.Module.forward``,
``keras.Operation.call``. The method is shadowed by an attribute of the instance for as long as a
``with`` block lasts, so every kind of model works, nested and subclassed ones too, and nothing of
it is rebuilt. The shadow is for the thread that opened the block: every other one, a server's or a
training loop's, runs what was there before.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

At = Callable[[str, Any], Any]
"""``at(name, value) -> value``: called with a layer's name and its main tensor; answers what goes
on."""


@dataclass(frozen=True)
class Site:
    """Site of a tap: one call of one part.

    Parameters
    ----------
    part
        The object that runs.
    call
        Which of its calls within one forward pass, from 0.
    """

    part: object
    call: int


_ABSENT = object()
"""Stand-in for an attribute that the instance does not have."""


@dataclass
class _Shadow:
    """Replacement of a method while the method is opened.

    Parameters
    ----------
    before
        The method, for every thread that did not open it.
    own
        What the instance itself had under that name.
    opened
        By thread, what runs there: the last one that was put in its way.
    """

    before: Callable[..., Any]
    own: Any
    opened: dict[int, list[tuple[object, Callable[..., Any]]]] = field(default_factory=dict)

    def function(self) -> Callable[..., Any]:
        """Replacement function: what a thread has opened, in other threads the method."""
        opened, before = self.opened, self.before

        def of_the_thread(*args: Any, **kwargs: Any) -> Any:
            own = opened.get(threading.get_ident())
            return (own[-1][1] if own else before)(*args, **kwargs)

        return of_the_thread


_SHADOWS: dict[tuple[int, str], _Shadow] = {}
_CHANGING = threading.Lock()
"""Shadows are put and taken away by one thread at a time; none waits for another's pass."""


@contextmanager
def intercepted(
    parts: Iterable[object],
    method: str,
    around: Callable[[Any, Callable[..., Any]], Callable[..., Any]],
) -> Iterator[None]:
    """Within the block, ``part.method(...)`` goes through ``around(part, method)`` in the thread
    that opened it; given back in any case.
    """
    unique = list({id(part): part for part in parts}.values())
    block, thread = object(), threading.get_ident()
    try:
        with _CHANGING:
            for part in unique:
                _shadow(part, method, block, thread, around)
        yield
    finally:
        with _CHANGING:
            for part in unique:
                _give_back(part, method, block, thread)


def beneath(part: object, method: str) -> Any:
    """Attribute `method` of the instance itself, without any shadow; None where there is none."""
    shadow = _SHADOWS.get((id(part), method))
    own = vars(part).get(method) if shadow is None else shadow.own
    return None if own is _ABSENT else own


def _shadow(
    part: Any,
    method: str,
    block: object,
    thread: int,
    around: Callable[[Any, Callable[..., Any]], Callable[..., Any]],
) -> None:
    shadow = _SHADOWS.get((id(part), method))
    if shadow is None:
        shadow = _Shadow(getattr(part, method), vars(part).get(method, _ABSENT))
        _SHADOWS[id(part), method] = shadow
        vars(part)[method] = shadow.function()
    own = shadow.opened.setdefault(thread, [])
    own.append((block, around(part, own[-1][1] if own else shadow.before)))


def _give_back(part: object, method: str, block: object, thread: int) -> None:
    shadow = _SHADOWS.get((id(part), method))
    if shadow is None:
        return  # the block was interrupted before it reached this part
    rest = [known for known in shadow.opened.pop(thread, []) if known[0] is not block]
    if rest:
        shadow.opened[thread] = rest
    if not shadow.opened:
        if shadow.own is _ABSENT:
            vars(part).pop(method, None)
        else:
            vars(part)[method] = shadow.own
        del _SHADOWS[id(part), method]


@contextmanager
def tapped(sites: Mapping[str, Site], method: str, at: At) -> Iterator[None]:
    """Within the block, the output of every site goes through ``at(name, value)``."""
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
    """Within the block, ``heard(part, call, output)`` replaces the output of every part."""
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
    """Whether a value is a tensor of any framework: a value with a shape and a dtype, as no other
    output of a layer has.
    """
    return hasattr(value, "shape") and hasattr(value, "dtype")
