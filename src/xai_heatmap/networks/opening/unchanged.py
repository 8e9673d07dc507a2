"""Attributes and random states of Python objects, put back after a pass.

Counters and caches of a model belong to whoever trains or serves it, and the random states of
numpy and Python to the whole process. What did not move is not written, so that what other threads
draw meanwhile stands.
"""

import random
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import is_
from typing import Any

import numpy as np

DRAWING = (random.Random, np.random.RandomState, np.random.Generator)
"""Random generators that a model may hold."""


PLAIN = frozenset({bool, dict, float, int, list, set, str, tuple, type(None), OrderedDict})
"""Kinds of most attributes: asked first, since every attribute is looked at in every pass."""

HOLDING = frozenset({dict, list, OrderedDict, set, np.ndarray})
"""Kinds of attributes that hold others: caches, logs, the hooks of a module, arrays of numpy."""


@contextmanager
def random_states() -> Iterator[list[object]]:
    """Within the block a model may draw from `numpy.random` and `random`, put back after.

    What the block is given says afterwards which of them moved.
    """
    own, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what models draw from
    moved = list[object]()
    try:
        yield moved
    finally:
        if random.getstate() != own:
            random.setstate(own)
            moved.append("random")
        if not _same(np.random.get_state(), legacy):  # noqa: NPY002
            np.random.set_state(legacy)  # noqa: NPY002
            moved.append("numpy.random")


@contextmanager
def unchanged(
    objects: Sequence[object], *, apart: frozenset[str] = frozenset()
) -> Iterator[list[object]]:
    """Put the attributes of objects, except those in `apart`, and the states of random generators
    among them back after the block. Lists, dicts, sets and arrays get their content back, too: a
    model that hooks itself in its first pass, and notes so, would hook itself twice if only the
    note were taken back.

    An object whose class changed is left alone: its first call has just completed the object.
    """
    kept = [(own, type(own), vars(own), dict(vars(own))) for own in objects]
    drawing, held, empty = list[Any](), list[Any](), list[Any]()
    for *_, before in kept:
        for name, value in before.items():
            kind = type(value)
            if kind in HOLDING:
                if name in apart:
                    continue
                if kind is not np.ndarray and not value:  # most hooks and buffers of most modules
                    empty.append(value)
                else:
                    held.append((value, value.copy()))
            elif kind not in PLAIN and isinstance(value, DRAWING):
                drawing.append((value, _state(value)))
    with random_states() as moved:
        try:
            yield moved
        finally:
            moved.extend(own for own, state in drawing if _put_back(own, state))
            if all(type(own) is kind for own, kind, *_ in kept):
                moved.extend(own for own, _, now, before in kept if restored(now, before, apart))
                moved.extend(own for own, before in held if _held_again(own, before))
                filled = [own for own in empty if own]
                moved.extend(filled)
                for own in filled:
                    own.clear()


def restored(
    now: dict[str, Any], before: Mapping[str, Any], apart: frozenset[str] = frozenset()
) -> bool:
    """Put names in `now` back to the objects in `before`; return whether any had changed."""
    if len(now) == len(before) and all(map(is_, now.values(), before.values())):
        return False  # a name that took another's place gave it another value, too
    others = [
        name
        for name in (*before, *(name for name in now if name not in before))
        if name not in apart and (name not in now or now[name] is not before.get(name, now))
    ]
    for name in others:
        if name in before:
            now[name] = before[name]
        else:
            del now[name]
    return bool(others)


def _held_again(own: Any, before: Any) -> bool:
    """Put the content of a list, dict, set or array back; return whether that had changed."""
    if isinstance(own, np.ndarray):
        changed = own.shape != before.shape or own.tobytes() != before.tobytes()
        if changed and own.flags.writeable:
            if own.shape != before.shape:
                own.resize(before.shape, refcheck=False)
            own[...] = before
        return changed
    if _ids(own) == _ids(before):
        return False
    own.clear()
    own.extend(before) if isinstance(own, list) else own.update(before)
    return True


def _ids(held: Any) -> list[list[int]]:
    """Identities of the entries of a list, dict or set, in order where there is one."""
    if isinstance(held, dict):
        return [[*map(id, held)], [*map(id, held.values())]]
    ids = [*map(id, held)]
    return [sorted(ids) if isinstance(held, set) else ids]


def _state(own: Any) -> Any:
    if isinstance(own, random.Random):
        return own.getstate()
    return own.bit_generator.state if isinstance(own, np.random.Generator) else own.get_state()


def _put_back(own: Any, state: Any) -> bool:
    """Put a random state back; return whether the state had changed."""
    if isinstance(own, random.Random):
        moved = own.getstate() != state
        if moved:
            own.setstate(state)
    elif isinstance(own, np.random.Generator):
        moved = repr(own.bit_generator.state) != repr(state)
        if moved:
            own.bit_generator.state = state
    else:
        moved = not _same(own.get_state(), state)
        if moved:
            own.set_state(state)
    return moved


def _same(one: Any, other: Any) -> bool:
    """Whether two random states of numpy are equal: name, key, position, and cached Gaussian."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
