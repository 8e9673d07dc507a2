"""Tree of a PyTorch model's modules and the tensors on it, looked at in every pass.

A look goes through hundreds of modules, whose own attributes are no longer near the processor once
convolutions have run. So what stays the same is kept beside the objects that it was found for, and
what is looked at every time is looked at by loops that are none of Python's.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import is_, itemgetter
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

PLAIN = frozenset({torch.Tensor, nn.Parameter})
"""Types of tensors that nobody has yet to give a shape to."""


class Listed(list[nn.Module]):
    """Modules in a row, with the dicts of their attributes."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__(modules)
        self.attributes = [vars(module) for module in modules]


def attributes_of(modules: Sequence[nn.Module]) -> list[dict[str, Any]]:
    """Dicts of the attributes of all modules in a row."""
    known = isinstance(modules, Listed)
    return modules.attributes if known else [vars(module) for module in modules]


def on_shelves(modules: Sequence[nn.Module], name: str) -> list[Any]:
    """Entries of the shelf `name` of all modules in a row, such as ``_buffers``."""
    filled = filter(None, map(itemgetter(name), attributes_of(modules)))
    return [own for shelf in filled for own in shelf.values()]


def children_of(modules: Sequence[nn.Module]) -> list[nn.Module | None]:
    """Children of all modules in a row, as the walk of `modules_of` comes to them: the walk is the
    same where these are.
    """
    return on_shelves(modules, "_modules")


def same_objects(some: Sequence[object], others: Sequence[object]) -> bool:
    """Whether two sequences hold the same objects in the same order."""
    return len(some) == len(others) and all(map(is_, some, others))


def modules_of(root: nn.Module) -> list[nn.Module]:
    """All modules of a model, as by `modules()` but in another order and ten times as fast, for
    use on every call.
    """
    found, known = [root], {id(root)}
    for module in found:  # which grows meanwhile
        for child in module.__dict__["_modules"].values():
            if child is not None and id(child) not in known:
                known.add(id(child))
                found.append(child)
    return found


class Modules:
    """All modules of one model, for whoever asks in one pass. The tree is walked again where any
    module has other children than it had: looking for that takes a fraction of the walk.
    """

    def __init__(self, root: nn.Module) -> None:
        self._root = root
        self._known = Listed([])
        self._children: list[nn.Module | None] = []
        self._still = False

    def __call__(self) -> Listed:
        """The modules, one and the same list as long as they are; inside of `once` those that were
        there at its beginning.
        """
        if self._still:
            return self._known
        children = children_of(self._known)
        if not same_objects(children, self._children) or not self._known:
            self._known = Listed(modules_of(self._root))
            self._children = children_of(self._known)
        return self._known

    @contextmanager
    def once(self) -> Iterator[None]:
        """Within the block nobody looks at the tree again."""
        self()
        outer, self._still = self._still, True
        try:
            yield
        finally:
            self._still = outer


class Tensors:
    """Tensors among the entries of shelves, each once. What is the same of an object for good, such
    as its type, is asked once, for as long as the same objects lie there.
    """

    def __init__(self, wanted: Callable[[Any], bool]) -> None:
        self._wanted = wanted
        self._entries: list[Any] = []
        self._found: list[torch.Tensor] = []

    def among(self, entries: list[Any]) -> list[torch.Tensor]:
        """Those that are wanted, the same list as before where the entries are."""
        if not entries or not same_objects(entries, self._entries):
            unique = {id(own): own for own in entries if own is not None}.values()
            self._found = [own for own in unique if self._wanted(own)]
            lazy = not all(map(shaped, unique))
            self._entries = [] if lazy else entries  # which becomes another type when it is shaped
        return self._found


def shaped(tensor: Any) -> bool:
    """Whether a weight has numbers, and does not wait for a shape."""
    return type(tensor) in PLAIN or not is_lazy(tensor)
