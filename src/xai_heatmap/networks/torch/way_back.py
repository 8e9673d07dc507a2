"""One way back through autograd's graph, and the gradients that its taps wait for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import torch

from xai_heatmap.networks.torch.memory_layout import LAST

HELD_AT_ONCE = 32 << 20
"""Most bytes of gradients held at once; beyond, each gradient is dropped after use."""

FEW = 32
"""Numbers of a gradient that are looked at first."""


def pull(
    scores: torch.Tensor,
    taps: Mapping[int, torch.Tensor],
    seed: torch.Tensor,
    give: Callable[[int, torch.Tensor | None], None],
) -> None:
    """Run one backward pass and hand each tap's gradient to `give` once complete.

    Few bytes are asked for all at once. Of many, only the leaves are: every other tap descends
    from one, so the pass runs through all of them, and what a hook does not hold is freed on the
    way; but a hook costs as much as a small convolution.

    A tap whose gradient is zero all over, such as a level that a box does not hang on, ends the way
    back there: nothing is computed of what lies before it alone.

    What is differentiated is one number, ⟨seed, scores⟩: handed in as a cotangent, the seed would
    have PyTorch import sympy, which takes as long as many passes.
    """
    taps = {key: tap for key, tap in taps.items() if tap.requires_grad}  # not whole numbers
    size = sum(tap.numel() * tap.element_size() for tap in taps.values())
    asked = taps if size <= HELD_AT_ONCE else {k: tap for k, tap in taps.items() if tap.is_leaf}
    hooks = [
        node.register_prehook(partial(_handed_on, own, give))
        for node, own in _nodes_of(taps, taps.keys() - asked.keys())
    ]
    try:
        with torch.inference_mode(mode=False), torch.enable_grad():
            one = (scores * seed).sum()
            gradients = torch.autograd.grad(
                one, list(asked.values()), retain_graph=True, allow_unused=True
            )
    finally:
        for hook in hooks:
            hook.remove()
    for key, gradient in zip(asked, gradients, strict=True):
        give(key, gradient)


def _nodes_of(
    taps: Mapping[int, torch.Tensor], waiting: Collection[int]
) -> list[tuple[torch.autograd.graph.Node, list[tuple[int, int]]]]:
    """Nodes of autograd's graph that gave the taps, each once, with the outputs and keys of those
    that wait for their gradient there.
    """
    found: dict[int, tuple[torch.autograd.graph.Node, list[tuple[int, int]]]] = {}
    for key, tap in taps.items():
        node = tap.grad_fn
        if node is not None:
            own = found.setdefault(id(node), (node, []))[1]
            own.extend([(tap.output_nr, key)] if key in waiting else [])
    return list(found.values())


def _handed_on(
    waiting: Sequence[tuple[int, int]],
    give: Callable[[int, torch.Tensor | None], None],
    gradients: tuple[torch.Tensor | None, ...],
) -> tuple[torch.Tensor | None, ...] | None:
    """Hand the gradients that reach a node to the taps that wait for them. They go on as they are;
    none goes on in place of zeros, which autograd need not follow.
    """
    for output, key in waiting:
        if gradients[output] is not None:  # of nothing, the zeros are made when all is done
            give(key, gradients[output])
    if not any(own is not None and zero(own) for own in gradients):
        return None
    return tuple(None if own is None or zero(own) else own for own in gradients)


def zero(gradient: torch.Tensor) -> bool:
    """Whether a gradient is zero all over: a few numbers spread over it are looked at first, then
    the middle row of every feature map, since looking at all numbers takes several times as long
    as making a map of these.
    """
    size = gradient.numel()
    dense = gradient.is_contiguous() or gradient.is_contiguous(memory_format=LAST)
    if size > FEW and dense:
        apart = (size - 1) // (FEW - 1) - 1 | 1  # odd, and in other columns each time
        apart -= 2 if apart > 2 and apart % gradient.shape[-1] == 0 else 0
        if any(gradient.as_strided((FEW,), (apart,)).tolist()):
            return False
    rows = gradient.shape[2] if gradient.ndim > 2 else 0
    return not (rows and gradient.select(2, rows // 2).any()) and not gradient.any()
