"""Checkpoints of training scripts: the weights of one model among all saved objects."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from xai_heatmap.core.counted import counted, noun
from xai_heatmap.core.errors import NotAModel
from xai_heatmap.networks.loading.loaded import first_line

USUAL = ("state_dict", "model_state_dict", "model", "net")
"""Usual keys of the weights in checkpoints, tried before any other key."""

SILENT = ("", "module.")
"""Prefixes used without a warning: the empty one, and that of PyTorch's parallel wrappers."""

COUNT = "num_batches_tracked"
"""Last part of the name of a count that only training reads; PyTorch makes one where it is missing,
as in files of before it had them."""

Weights = Mapping[str, torch.Tensor]


def fill(model: nn.Module, found: object, path: Path) -> None:
    """Fill all weights of `model` from the dict of tensors in `found` that fits the model.

    The dict may lie at any depth of `found`, and all names may share one prefix of a wrapper, such
    as ``module.``, ``_orig_mod.`` or ``model.``. What was taken is said in a warning.

    Raises
    ------
    NotAModel
        If none fit, or if several do.
    """
    offered = list(dicts_of_tensors(found))
    if not offered:
        raise NotAModel(
            f"{str(path)!r} holds no weights by name but a {type(found).__name__}. Save them with "
            "torch.save(model.state_dict(), 'new.pt')."
        )
    own = model.state_dict()
    fitting = [_fitting(key, weights, own) for key, weights in offered]
    good = [one for one in fitting if one.prefixes]
    key, weights, prefixes = chosen = good[0] if good else Fit(*offered[0], [])
    if len(prefixes) > 1:
        raise NotAModel(
            f"{str(path)!r} holds the weights of several models of this kind: their names begin "
            f"with {', '.join(map(repr, prefixes))}. Save those of one alone: "
            "torch.save(model.state_dict(), 'new.pt')."
        )
    beside = [one.key for one in good[1:] if not _equal(one, chosen)]
    if beside and (not chosen.usual or any(one.usual for one in good if one.key in beside)):
        raise NotAModel(
            f"{str(path)!r} holds the weights of several models of this kind, under "
            f"{', '.join(map(repr, [key, *beside]))}. Save those of one alone: "
            f"torch.save(torch.load({path.name!r}){_written(key)}, 'new.pt')."
        )
    prefix = prefixes[0] if prefixes else _likely(weights, own)
    taken = {name.removeprefix(prefix): weights[name] for name in _under(prefix, weights)}
    _check(taken, own, model, path)
    _load(model, taken, own, path)
    others = [name for name in weights if not name.startswith(prefix)]
    wrapped = weights is not dict(offered)[key]
    if prefix not in SILENT or others or wrapped or not chosen.usual:
        off = repr(prefix) if prefix else "those of wrappers" if wrapped else ""
        warnings.warn(_told(path, "" if chosen.usual else key, off, others), stacklevel=2)


class Fit(NamedTuple):
    """A dict of tensors under a key, and the prefixes under which it holds a model's weights."""

    key: str
    weights: Weights
    prefixes: list[str]

    @property
    def usual(self) -> bool:
        """Whether checkpoints usually hold the weights under that key."""
        return not self.key or self.key.rpartition(".")[2] in USUAL


def _fitting(key: str, weights: Weights, own: Weights) -> Fit:
    """Whether and how a dict of tensors fits, as it is or without the names of wrappers inside."""
    found = _prefixes(weights, own)
    if not found and (plain := _unwrapped(weights, own)) is not None:
        return Fit(key, plain, _prefixes(plain, own))
    return Fit(key, weights, found)


def _unwrapped(weights: Weights, own: Weights) -> Weights | None:
    """Weights by names without the parts that wrappers of submodules put in, such as
    ``_orig_mod`` or ``_fsdp_wrapped_module``; None where there are none, or two names become one.
    """
    known = {part for name in own for part in name.split(".")}

    def plain(name: str) -> str:
        parts = name.split(".")
        return ".".join(p for p in parts if p in known or not (p[:1] == "_" or p == "module"))

    named = {plain(name): value for name, value in weights.items()}
    return named if len(named) == len(weights) and named.keys() != weights.keys() else None


def _equal(one: Fit, other: Fit) -> bool:
    """Whether two dicts hold the same numbers."""
    some, others = (
        {name.removeprefix(fit.prefixes[0]): value for name, value in fit.weights.items()}
        for fit in (one, other)
    )
    return some.keys() == others.keys() and all(
        value.dtype == others[name].dtype and torch.equal(value, others[name])
        for name, value in some.items()
    )


def _written(key: str) -> str:
    return "".join(f"[{part!r}]" for part in key.split(".") if part)


def dicts_of_tensors(found: object) -> Iterator[tuple[str, Weights]]:
    """Dicts of tensors in `found`, each with the path of its keys; the usual keys come first.

    Every object is looked at once, so that this ends for whatever a file holds.
    """
    todo, seen = [("", found)], set[int]()
    while todo:
        key, one = todo.pop(0)
        if not isinstance(one, Mapping) or id(one) in seen:
            continue
        seen.add(id(one))
        if one and all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in one.items()):
            yield key, one
            continue
        names = sorted(one, key=lambda name: USUAL.index(name) if name in USUAL else len(USUAL))
        todo += [(f"{key}.{name}" if key else str(name), one[name]) for name in names]


def _prefixes(weights: Weights, own: Weights) -> list[str]:
    """Prefixes under which `weights` holds every tensor of the model, with equal shapes.

    Without a prefix, nothing else may be there.
    """
    if not own:
        return []
    first = next(iter(own))
    ends = [name.removesuffix(first) for name in weights if name.endswith(first)]
    return [
        prefix
        for prefix in ends
        if (prefix.endswith(".") or (not prefix and weights.keys() <= own.keys()))
        and all(f"{prefix}{name}" in weights for name in own if not _made_anew(name))
        and all(
            name.removeprefix(prefix) in own
            and not _differ(weights[name], own[name.removeprefix(prefix)])
            for name in _under(prefix, weights)
        )
    ]


def _made_anew(name: str) -> bool:
    return name.rpartition(".")[2] == COUNT


def _under(prefix: str, weights: Weights) -> list[str]:
    return [name for name in weights if name.startswith(prefix)]


def _likely(weights: Weights, own: Weights) -> str:
    """The prefix without which most of a model's names are there, though not all."""
    parts = [name.split(".")[:-1] for name in weights]
    shared = [names[0] for names in zip(*parts, strict=False) if len(set(names)) == 1]
    whole = "".join(f"{name}." for name in shared)
    return max(("", whole), key=lambda prefix: sum(f"{prefix}{name}" in weights for name in own))


def _differ(one: torch.Tensor, own: torch.Tensor) -> bool:
    return not is_lazy(own) and one.shape != own.shape


def _check(weights: Weights, own: Weights, model: nn.Module, path: Path) -> None:
    """All fit, and hold numbers of the kind that the model has."""
    shaped = [
        f"{name}: {tuple(weights[name].shape)} instead of {tuple(own[name].shape)}"
        for name in own
        if name in weights and _differ(weights[name], own[name])
    ]
    _refuse(
        {
            "missing": [n for n in own if n not in weights and not _made_anew(n)],
            "unknown": [name for name in weights if name not in own],
            "of another shape": shaped,
        },
        f"{str(path)!r} holds the weights of another model than {type(model).__name__}",
        "Check that factory and file belong together.",
    )
    _refuse(
        {
            "without numbers (on the meta device)": _which(weights, lambda w: w.is_meta),
            "sparse": _which(weights, lambda w: w.layout != torch.strided),
            "of another kind": [
                f"{name}: {str(weight.dtype).removeprefix('torch.')} instead of "
                f"{str(own[name].dtype).removeprefix('torch.')}"
                for name, weight in weights.items()
                if _kind(weight) != _kind(own[name])
            ],
        },
        f"Dense numbers of the model's own kind are needed; {str(path)!r} holds weights that are "
        "not",
        "Convert them where they were made (to_dense(), dequantize(), float()), and save them "
        "again.",
    )


def _which(weights: Weights, holds: Callable[[torch.Tensor], bool]) -> list[str]:
    return [name for name, weight in weights.items() if holds(weight)]


def _kind(tensor: torch.Tensor) -> str:
    if tensor.is_quantized:
        return "quantised"
    return "complex" if tensor.is_complex() else "real" if tensor.is_floating_point() else "whole"


def _refuse(faults: Mapping[str, Sequence[str]], begin: str, end: str) -> None:
    told = [f"{len(names)} {what}, such as {names[0]}" for what, names in faults.items() if names]
    if told:
        raise NotAModel(f"{begin}: {'; '.join(told)}. {end}")


def _load(model: nn.Module, weights: Weights, own: Weights, path: Path) -> None:
    empty = any(value.is_meta for value in own.values())
    try:
        model.load_state_dict(dict(weights), assign=empty)
    except Exception as error:
        raise NotAModel(
            f"{type(model).__name__} does not take the weights in {str(path)!r}: "
            f"{first_line(error)}. Check that factory and file belong together."
        ) from error


def _told(path: Path, key: str, off: str, others: Sequence[str]) -> str:
    where = f" under {key!r}" if key else ""
    names = f", their names without {off}" if off else ""
    left = ""
    if others:
        are = noun(len(others), "is", "are")
        left = f"; {counted(len(others), 'other')}, such as {others[0]!r}, {are} left out"
    return f"The weights are those of {str(path)!r}{where}{names}{left}."
