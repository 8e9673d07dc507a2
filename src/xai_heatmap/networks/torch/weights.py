"""Modules of a PyTorch model and their weights: device, precision, trainability."""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, compress
from operator import attrgetter

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from xai_heatmap.core.errors import ModelError, NotAModel
from xai_heatmap.networks.torch.module_tree import (
    Tensors,
    modules_of,
    on_shelves,
    shaped,
)

_LEARNS = attrgetter("requires_grad")
_TRAINS = attrgetter("training")


class Learning:
    """Weights and buffers of a model, and which of them learn at the time."""

    def __init__(self) -> None:
        self._shaped = Tensors(shaped)
        self._tensors: list[torch.Tensor] = []
        self._usual: list[torch.Tensor] = []

    def among(self, modules: Sequence[nn.Module]) -> tuple[list[torch.Tensor], bool]:
        """Those that learn, and whether any tensor at all was made in inference mode."""
        entries = on_shelves(modules, "_parameters") + on_shelves(modules, "_buffers")
        found = self._shaped.among(entries)
        if found is not self._tensors:
            self._tensors, self._usual = found, [own for own in found if not own.is_inference()]
        usual = self._usual
        learning = [own for own in compress(usual, map(_LEARNS, usual)) if own.is_leaf]
        return learning, len(usual) < len(found)


@contextmanager
def evaluating(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Within the block no module is in training mode; those that were are put back."""
    modules = list(modules)
    training = list(compress(modules, map(_TRAINS, modules)))
    try:
        for module in training:
            module.training = False
        yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def undisturbed(module: nn.Module, learning: Sequence[torch.Tensor]) -> Iterator[None]:
    """Within the block the model must not be set to train; checked at the end.

    Raises
    ------
    ModelError
        If the model, or any of its weights, was set to train in between.
    """
    yield
    if module.training or any(weight.requires_grad for weight in learning):
        raise ModelError(
            f"{type(module).__name__} was set to train while it was explained: "
            "another thread uses the same model. Explain a copy of it: "
            "xai_heatmap.network(model, exclusive=False)."
        )


@contextmanager
def differentiable(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Within the block, copies replace the weights, which may have been made in inference mode."""
    shelves = [vars(m)[shelf] for m in modules for shelf in ("_parameters", "_buffers")]
    before = [dict(shelf) for shelf in shelves]
    copies: dict[int, torch.Tensor] = {}
    try:
        with torch.inference_mode(mode=False):
            for shelf in shelves:
                for name, tensor in shelf.items():
                    if tensor is not None:
                        shelf[name] = copies.setdefault(id(tensor), tensor.clone().detach())
        yield
    finally:
        for shelf, tensors in zip(shelves, before, strict=True):
            shelf.update(tensors)


def home_of(module: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Device and precision of a model: those of the first weights that multiply, else of the first
    numbers; for weights on the meta device, the device to which the hooks of the model bring
    weights.
    """
    device, dtype, first = None, None, None
    for name, tensor in chain(module.named_parameters(), module.named_buffers()):
        if device is None and not tensor.is_meta:
            device = tensor.device
        if dtype is None and tensor.is_floating_point():
            first = first or tensor.dtype
            dtype = tensor.dtype if name.endswith("weight") and tensor.ndim > 1 else None
        if device is not None and dtype is not None:
            break
    return device or _brought_to(module) or torch.device("cpu"), dtype or first or torch.float32


def _brought_to(module: nn.Module) -> torch.device | None:
    """Device to which hooks such as those of accelerate fetch weights, None without such hooks."""
    hooks = (vars(part).get("_hf_hook") for part in modules_of(module))
    found = (getattr(hook, "execution_device", None) for hook in hooks)
    first = next((device for device in found if device is not None), None)
    return None if first is None else torch.device(first)


def without_values(module: nn.Module) -> bool:
    """Whether every weight is on the meta device, without a hook to fetch the weights."""
    tensors = chain(module.parameters(), module.buffers())
    if next(tensors, None) is None or not all(
        tensor.is_meta for tensor in chain(module.parameters(), module.buffers())
    ):
        return False
    hooked = ("_forward_pre_hooks", "_hf_hook", "forward")  # as an attribute of the instance
    return not any(vars(part).get(name) for part in modules_of(module) for name in hooked)


def check_values(module: nn.Module) -> None:
    """Refuse a model without any weights, and warn of a weight that the first call draws at random.

    Raises
    ------
    NotAModel
        If every weight is on the meta device, without a hook to fetch the weights.
    """
    name = type(module).__name__
    if without_values(module):
        raise NotAModel(
            f"A model with weights is needed; all those of this {name} lie on the meta device, "
            "which holds shapes and no numbers, and no hook brings them in. Load them first: "
            "model.load_state_dict(weights, assign=True)."
        )
    for part in modules_of(module):
        for own, weight in vars(part)["_parameters"].items():
            if is_lazy(weight):
                warnings.warn(
                    f"{type(part).__name__}.{own} of this {name} has no weights yet: the first "
                    "call draws them at random, and maps show what random weights do. Load what it "
                    "learnt: model.load_state_dict(weights).",
                    stacklevel=4,
                )
                return
