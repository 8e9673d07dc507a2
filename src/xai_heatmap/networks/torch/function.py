"""A function of tensors, or a method of a module, as a module: differentiated like any other."""

import copy
import functools
import inspect
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import nn

SIZES = ((3, 224, 224), (3, 64, 64), (3, 32, 32), (1, 224, 224), (1, 28, 28), (1, 32, 32))
"""Shapes with which a function of unknown input shape is tried."""

DEEP = 3
"""Depth to which functions within functions are searched."""


def as_module(function: Callable[..., Any], shape: Sequence[int] | None) -> nn.Module | None:
    """Module of a function that takes tensors and is differentiable; else None.

    A method of a module is that module with another ``forward``: its layers have their own names.
    Of any other function the modules that it uses are the layers, under the names by which it
    knows them. It is tried once where it uses PyTorch at all; None for one that takes numpy arrays.

    Parameters
    ----------
    shape
        (c, H, W) of its pictures, where that is known.
    """
    owner = getattr(function, "__self__", None)
    if isinstance(owner, nn.Module):
        module = _with_forward(owner, function)
    else:
        used = dict(_used(function, DEEP))
        if not used:
            return None
        module = _Function(function, used)
    return module if _differentiable(module, shape) else None


class _Function(nn.Module):
    """Module of a function, with the modules that the function uses as submodules."""

    def __init__(self, function: Callable[..., Any], used: dict[str, Any]) -> None:
        super().__init__()
        self._called = function
        modules = {name: own for name, own in used.items() if isinstance(own, nn.Module)}
        for name, own in modules.items():
            self.add_module(name.replace(".", "_"), own)
        self.training = any(own.training for own in modules.values())
        self.__class__ = type(getattr(function, "__name__", "function"), (_Function,), {})

    def forward(self, x: torch.Tensor) -> Any:
        """Output of the wrapped function."""
        return self._called(x)


def _with_forward(owner: nn.Module, method: Any) -> nn.Module:
    """Module with the same submodules, and `method` of the module as ``forward``."""
    if method.__func__ is type(owner).forward:
        return owner
    other = copy.copy(owner)
    other.forward = types.MethodType(method.__func__, other)
    return other


def _used(function: Any, deep: int) -> Iterator[tuple[str, Any]]:
    """Modules, tensors and PyTorch itself among the objects to which a function refers, by name."""
    for name, own in _known(function):
        if isinstance(own, nn.Module | torch.Tensor) or _is_torch(own):
            yield name, own
        elif deep > 1 and (inspect.isroutine(own) or isinstance(own, functools.partial)):
            yield from _used(own, deep - 1)


def _known(function: Any) -> Iterator[tuple[str, Any]]:
    """Objects to which a function refers: variables around it, bound arguments, attributes."""
    if isinstance(function, functools.partial):
        yield "function", function.func
        yield from ((f"argument{place}", own) for place, own in enumerate(function.args))
        yield from function.keywords.items()
    elif inspect.isfunction(function):
        with suppress(ValueError):
            found = inspect.getclosurevars(function)
            yield from found.nonlocals.items()
            yield from found.globals.items()
    elif inspect.ismethod(function):
        yield from vars(function.__self__).items() if hasattr(function.__self__, "__dict__") else ()
        yield from _known(function.__func__)
    elif hasattr(function, "__dict__"):
        yield from vars(function).items()
        if inspect.isfunction(call := vars(type(function)).get("__call__")):
            yield from _known(call)


def _is_torch(own: Any) -> bool:
    return isinstance(own, types.ModuleType) and own.__name__.partition(".")[0] == "torch"


def _differentiable(module: nn.Module, shape: Sequence[int] | None) -> bool:
    """Whether some output of the module has a gradient with respect to the input."""
    for size in SIZES if shape is None else (shape,):
        weights = next(module.parameters(), torch.zeros(1))
        x = torch.zeros(1, *size, device=weights.device, requires_grad=True)
        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            answer = None
            with suppress(Exception):  # it may take numpy, or pictures of another size
                answer = module(x)
            if answer is None:
                continue
            tensors = [own for own in _flat(answer) if own.is_floating_point()]
            back = [own.sum() for own in tensors if own.requires_grad]
            if not back:
                return False
            (found,) = torch.autograd.grad(sum(back[1:], back[0]), x, allow_unused=True)
            return found is not None
    return False


def _flat(answer: Any) -> list[torch.Tensor]:
    """Tensors in an output."""
    if isinstance(answer, torch.Tensor):
        return [answer]
    if isinstance(answer, dict):
        answer = list(answer.values())
    return (
        [own for own in answer if isinstance(own, torch.Tensor)]
        if isinstance(answer, list | tuple)
        else []
    )
