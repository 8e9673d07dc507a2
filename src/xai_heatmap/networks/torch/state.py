"""State of a PyTorch model that a pass may write, put back after the pass.

Running means, counters, caches and generators belong to whoever trains or serves the model. After
every pass what the model's attributes are is compared, and the numbers of what is small; of what
is large only the version, and its numbers in the first pass of all, which learns who writes.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import compress
from operator import attrgetter, ne
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from xai_heatmap.networks.opening.unchanged import PLAIN, restored, unchanged
from xai_heatmap.networks.torch.module_tree import Tensors, on_shelves

SMALL = 1 << 18
"""Bytes up to which a buffer is copied in every pass: those of 65,536 numbers."""
LARGE = 1 << 26
"""Bytes up to which any tensor is copied in the first pass."""

JOINED = 1 << 15
"""Bytes below which the numbers of tensors are joined, so that one comparison serves all."""

LOOKS = 4
"""Passes that are compared closely."""

APART = frozenset({"training", "_parameters", "_modules", "_buffers"})
"""Attributes of a module that belong to the user: training mode, weights, submodules."""


class Untouched:
    """Contexts in which a model may write its own state, with the tensors known to be written.

    What a model is known to write has copies in its place while it runs. `surprised` says that the
    last block learnt of more: what was recorded in it may have been put back under the way back.
    """

    def __init__(self) -> None:
        self.surprised = False
        self._writes: set[int] = set()
        self._first = True
        self._quiet = False
        self._looked = 0
        self._buffers = Tensors(_watchable)

    @contextmanager
    def again(self, modules: Sequence[nn.Module]) -> Iterator[None]:
        """Context as `during`, for a part of an earlier pass; empty if that pass wrote nothing."""
        if self._quiet:
            yield
        else:
            with self.during(modules):
                yield

    @contextmanager
    def during(self, modules: Sequence[nn.Module], *, whole: bool = True) -> Iterator[None]:
        """Within the block the model may write its own state, which is put back afterwards.

        A pass that ends before the model's last operation is not `whole`: what writes may not have
        run, and the next pass is looked at as if it were the first.

        Of a model that wrote nothing in its first passes only the versions of tensors are looked
        at from then on: the rest costs as much as several layers.
        """
        if self._quiet and self._looked >= LOOKS:
            watched = self._buffers.among(on_shelves(modules, "_buffers"))
            versions = list(map(_version, watched))
            yield
            missed = self._missed(watched, versions)
            self._writes.update(map(id, missed))
            self.surprised = bool(missed)
            self._quiet = not missed
            return
        self._looked += whole
        shelves = [vars(module)[name] for module in modules for name in ("_buffers", "_parameters")]
        before = [dict(shelf) for shelf in shelves]
        held = [value for own in before[::2] for value in own.values()]
        attributes = (value for module in modules for value in vars(module).values())
        held += [value for value in attributes if type(value) not in PLAIN]
        weights = [value for own in before[1::2] for value in own.values()]
        copied, watched = self._divided(_tensors(held), _tensors(weights))
        copies, versions = _Copies(copied), [_version(tensor) for tensor in watched]
        drawing = [(own, own.get_state()) for own in held if type(own) is torch.Generator]
        moved, lent = list[object](), dict[int, torch.Tensor]()
        try:
            with unchanged(modules, apart=APART) as moved:
                lent = self._lent([*shelves, *map(vars, modules)]) if self._writes else {}
                yield
        finally:
            moved.extend(lent)
            for shelf, own in zip(shelves[::2], before[::2], strict=True):
                moved.extend([shelf] if restored(shelf, own) else [])
            for shelf, own in zip(shelves[1::2], before[1::2], strict=True):
                moved.extend([shelf] if _weights_again(shelf, own) else [])
            moved.extend(own for own, state in drawing if _put_back(own, state))
            written = [*copies.put_back(), *self._missed(watched, versions)]
            self._writes.update(map(id, written))
            moved.extend(written)
            self.surprised = bool(written) and not self._first
            if whole:
                self._quiet, self._first = not moved and (self._quiet or self._first), False

    def _divided(
        self, held: Iterable[torch.Tensor], weights: Iterable[torch.Tensor]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Tensors to copy and compare, and tensors of which only the version is compared; tensors
        that the model is known to write are left out, as the pass gets copies.
        """
        copied, watched = list[torch.Tensor](), list[torch.Tensor]()
        for known, most in ((held, SMALL), (weights, 0)):
            for tensor in known:
                if id(tensor) in self._writes:
                    continue
                few = tensor.nbytes <= (LARGE if self._first else most)
                (copied if few else watched).append(tensor)
        return copied, watched

    def _lent(self, shelves: Iterable[dict[str, Any]]) -> dict[int, torch.Tensor]:
        """Copies in place of the tensors that the model is known to write, so that the backward
        pass finds the numbers of the forward pass.
        """
        lent: dict[int, torch.Tensor] = {}
        for shelf in shelves:
            for name, own in shelf.items():
                if id(own) in self._writes and isinstance(own, torch.Tensor):
                    shelf[name] = lent.setdefault(id(own), _copy(own))
        return lent

    def _missed(
        self, watched: Sequence[torch.Tensor], versions: Sequence[int]
    ) -> list[torch.Tensor]:
        """Tensors that a pass wrote although the first pass had not; warns of each."""
        now = list(map(_version, watched))
        if now == versions:
            return []
        missed = list(compress(watched, map(ne, now, versions)))
        for tensor in missed:
            warnings.warn(
                f"The model wrote into a tensor of shape {tuple(tensor.shape)} of its own, which "
                "it had not done when it was first looked at, so that its old numbers were not "
                "kept. They are from now on. Load the weights again if that matters.",
                stacklevel=2,
            )
        return missed


def _copy(own: torch.Tensor) -> torch.Tensor:
    """Copy of a tensor; of a parameter a parameter, which a model may look for, or write into."""
    copied = own.detach().clone()
    return nn.Parameter(copied, own.requires_grad) if isinstance(own, nn.Parameter) else copied


def _weights_again(shelf: dict[str, Any], before: dict[str, Any]) -> bool:
    """Put the weights back that a pass put others in place of; return whether there were any.

    One that the first pass made, or made the shape of, stays.
    """
    others = [
        name
        for name, own in before.items()
        if own is not None and not is_lazy(own) and shelf.get(name, own) is not own
    ]
    shelf.update({name: before[name] for name in others})
    return bool(others)


class _Copies:
    """Copies of the numbers of tensors; small ones are joined by type."""

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        kinds: dict[object, list[torch.Tensor]] = {}
        for tensor in tensors:
            alone = tensor if tensor.nbytes >= JOINED else None
            kinds.setdefault((tensor.device, tensor.dtype, id(alone)), []).append(tensor)
        self._kept = [
            (same, _flat(same).clone() if len(same) == 1 else _flat(same))
            for same in kinds.values()
        ]

    def put_back(self) -> list[torch.Tensor]:
        """Put the kept numbers back, bit for bit; return the tensors that had changed."""
        written = list[torch.Tensor]()
        for same, before in self._kept:
            if _alike(_flat(same), before):
                continue
            for own, kept in zip(same, before.split([t.numel() for t in same]), strict=True):
                if not _alike(_flat([own]), kept):
                    own.detach().copy_(kept.view(own.shape))
                    written.append(own)
        return written


def _flat(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Numbers of tensors in a row; of one contiguous tensor without a copy."""
    with torch.no_grad():
        rows = [own if own.ndim == 1 else own.reshape(-1) for own in tensors]
        return rows[0] if len(rows) == 1 else torch.cat(rows)


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two rows of numbers are equal bit for bit, so that NaN equals NaN: compared in whole
    numbers as long as fit, which takes a quarter of the time of bytes.
    """
    one, other = (row.detach().contiguous() for row in (one, other))
    size, starts = one.nbytes, [row.storage_offset() * row.itemsize for row in (one, other)]
    for whole, length in ((torch.int64, 8), (torch.int32, 4)):
        if not any(bytes_ % length for bytes_ in (size, *starts)):
            return torch.equal(one.view(whole), other.view(whole))
    return torch.equal(one.view(torch.uint8), other.view(torch.uint8))


def _tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    """Tensors among `values` whose numbers can be read, each once."""
    found = {id(value): value for value in values if isinstance(value, torch.Tensor)}
    return [value for value in found.values() if _readable(value)]


def _watchable(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and _readable(value)


def _readable(tensor: torch.Tensor) -> bool:
    """Whether the numbers of a tensor can be read here: a strided one, not on the meta device, not
    quantised, and not made in inference mode (such a tensor has a copy in its place).
    """
    return (
        type(tensor) in (torch.Tensor, nn.Parameter)
        and tensor.layout == torch.strided
        and not (tensor.is_meta or tensor.is_quantized or tensor.is_inference())
    )


_version: Callable[[torch.Tensor], int] = attrgetter("_version")
"""How often a tensor was written; torch has no other way to tell."""


def _put_back(generator: torch.Generator, state: torch.Tensor) -> bool:
    moved = not torch.equal(generator.get_state(), state)
    if moved:
        generator.set_state(state)
    return moved
