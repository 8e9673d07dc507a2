"""Quantised tensors in PyTorch, read as real numbers."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch

from xai_heatmap.core.errors import NoRule
from xai_heatmap.networks.opening.taps import overheard

QUANTISED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized", "torch.nn.quantized")
"""Packages of PyTorch modules that compute with integers and have no derivative."""


def numbers(value: torch.Tensor) -> torch.Tensor:
    """Real numbers of a tensor: dequantised if the tensor is quantised."""
    return value.dequantize() if value.is_quantized else value


def in_codes(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Numbers in the codes of another tensor, where that has codes."""
    if not like.is_quantized:
        return value
    with torch.no_grad():
        if like.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
            scale, zero = like.q_scale(), like.q_zero_point()
            return torch.quantize_per_tensor(value.float(), scale, zero, like.dtype)
        scales, zeros = like.q_per_channel_scales(), like.q_per_channel_zero_points()
        axis = like.q_per_channel_axis()
        return torch.quantize_per_channel(value.float(), scales, zeros, axis, like.dtype)


def computes_with_codes(parts: Iterable[object]) -> bool:
    """Whether any part computes with integers, as a quantised module or a traced operator."""
    return any(_of_integers(part) or _traced_codes(part) for part in parts)


def _of_integers(part: object) -> bool:
    return _kind_of_integers(type(part))


@lru_cache(maxsize=256)
def _kind_of_integers(kind: type) -> bool:
    return any(own.__module__.startswith(QUANTISED) for own in kind.__mro__)


def _traced_codes(part: object) -> bool:
    graph = getattr(part, "graph", None) if isinstance(part, torch.fx.GraphModule) else None
    return graph is not None and any(
        "quantize" in str(node.target) for node in graph.nodes if node.op.startswith("call")
    )


def in_rows(value: torch.Tensor, images: int) -> torch.Tensor:
    """Repeat one row of codes for each image."""
    return in_codes(value.dequantize().expand(images, *value.shape[1:]), value)


def _integers_among(parts: Mapping[str, object]) -> dict[str, object]:
    """Parts that compute with integers, if any type among them does."""
    if not any(map(_kind_of_integers, {*map(type, parts.values())})):
        return {}
    return {path: part for path, part in parts.items() if _of_integers(part)}


@dataclass
class Crossed:
    """Layers before a part that computes with integers, noted during one pass."""

    kept: Mapping[str, torch.Tensor]
    by: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def watching(self, parts: Mapping[str, object], method: str) -> Iterator[None]:
        """Within the block, every part that computes with integers is noticed."""
        own = _integers_among(parts)

        def heard(path: str, call: int, value: Any) -> Any:
            for name in self.kept:
                self.by.setdefault(name, path)
            return value

        if not own:
            yield
            return
        with overheard(own, method, heard):
            yield

    def check(self) -> None:
        """Refuse gradients through parts that compute with integers.

        Raises
        ------
        NoRule
            If one would.
        """
        for name, value in self.kept.items():
            part = name if value.is_quantized else self.by.get(name)
            if part is not None:
                raise NoRule(
                    f"The gradient at layer {name!r} is needed, and {part!r} is quantised: PyTorch "
                    f"has no derivative of int8 layers. Choose a method that needs no gradient, "
                    f"such as eigencam, ablationcam, reciprocam or occlusion, or explain the "
                    f"network before it is quantised."
                )
