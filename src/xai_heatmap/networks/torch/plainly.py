"""Eager execution of a PyTorch model: compilation and recomputed activations are switched off.

A compiled function would be compiled again, with taps in it; one whose activations are recomputed
in the backward pass would run twice, the second time past taps that are gone.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.utils import checkpoint

from xai_heatmap.networks.opening.taps import intercepted
from xai_heatmap.networks.torch.module_tree import attributes_of

IN_PLACE = "_compiled_call_impl"
"""Attribute set by `model.compile()`: the function that runs in place of the module's call."""


@contextmanager
def plainly(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Within the block, modules run eagerly and once, without compilation or recomputation."""
    pairs = zip(modules, attributes_of(modules), strict=True)
    compiled = [module for module, own in pairs if IN_PLACE in own and own[IN_PLACE] is not None]
    with ExitStack() as stack:
        _eagerly(stack)
        stack.enter_context(intercepted(compiled, IN_PLACE, _called))
        stack.enter_context(intercepted([checkpoint], "_checkpoint_hook", _saved))
        stack.enter_context(_once())
        yield


def _eagerly(stack: ExitStack) -> None:
    """Force eager execution of all compiled functions, including compiled submodules."""
    if "torch._dynamo" not in sys.modules or not hasattr(torch.compiler, "set_stance"):
        return  # nothing is compiled, or PyTorch is older than 2.6
    try:
        stack.enter_context(torch.compiler.set_stance("force_eager"))
    except RuntimeError:  # a hook of the model explains it while compiled code calls that hook
        return


def _called(module: nn.Module, _: Callable[..., Any]) -> Callable[..., Any]:
    return module._call_impl  # noqa: SLF001 - what the compiled function was made from


def _saved(_: object, __: Any) -> Callable[..., Any]:
    """Replacement of the hooks of checkpointing, which keeps all saved tensors."""
    return lambda *_, **__: nullcontext()


@contextmanager
def _once() -> Iterator[None]:
    """Within the block, reentrant checkpoints in this thread call the function plainly, where they
    would run it without a graph and make the graph in the backward pass.
    """
    own, thread = checkpoint.CheckpointFunction, threading.get_ident()

    def apply(function: Callable[..., Any], preserve: bool, *args: Any) -> Any:
        if threading.get_ident() == thread:
            return function(*args)
        return own.apply(function, preserve, *args)

    try:
        checkpoint.__dict__["CheckpointFunction"] = SimpleNamespace(apply=apply)
        yield
    finally:
        checkpoint.__dict__["CheckpointFunction"] = own
