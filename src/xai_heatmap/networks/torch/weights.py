"""Modules of a PyTorch model and their weights: device, precision, trainability."""

import itertools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import is_

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from xai_heatmap.core.errors import ModelError, NotAModel

PLAIN = frozenset({torch.Tensor, nn.Parameter})
"""Types of tensors that nobody has yet to give a shape to."""


def learning_in(modules: Sequence[nn.Module]) -> tuple[list[torch.Tensor], bool]:
    """Weights that learn, and whether any tensor at all was made in inference mode."""
    learning, inferred = [], False
    for module in modules:
        own = module.__dict__
        for shelf in (own["_parameters"], own["_buffers"]):
            if not shelf:
                continue
            for tensor in shelf.values():
                if tensor is None or (type(tensor) not in PLAIN and is_lazy(tensor)):
                    continue
                if tensor.is_inference():
                    inferred = True
                elif tensor.requires_grad and tensor.is_leaf:
                    learning.append(tensor)
    return learning, inferred


@contextmanager
def evaluating(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Within the block no module is in training mode; those that were are put back."""
    training = [module for module in modules if module.training]
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
    for name, tensor in itertools.chain(module.named_parameters(), module.named_buffers()):
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
    tensors = itertools.chain(module.parameters(), module.buffers())
    if next(tensors, None) is None or not all(
        tensor.is_meta for tensor in itertools.chain(module.parameters(), module.buffers())
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
        self._known: list[nn.Module] = []
        self._children: list[nn.Module | None] = []
        self._still = False

    def __call__(self) -> list[nn.Module]:
        """The modules; inside of `once` those that were there at its beginning."""
        if self._still:
            return self._known
        children = children_of(self._known)
        same = len(children) == len(self._children) and all(map(is_, children, self._children))
        if not same or not self._known:
            self._known = modules_of(self._root)
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


def children_of(modules: Sequence[nn.Module]) -> list[nn.Module | None]:
    """Children of all modules in a row, as the walk of `modules_of` comes to them: the walk is the
    same where these are.
    """
    return [child for own in modules for child in own.__dict__["_modules"].values()]
