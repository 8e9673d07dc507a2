"""Final activations in PyTorch: calls of softmax and sigmoid counted, and one of them left out."""

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from xai_heatmap.networks.opening.interfaces import Closing

CLOSING_FUNCTIONS: dict[str, Closing] = {
    "softmax": "softmax",
    "log_softmax": "softmax",
    "special_softmax": "softmax",
    "sigmoid": "sigmoid",
    "expit": "sigmoid",
    "special_expit": "sigmoid",
}


class ClosingCalls(TorchFunctionMode):
    """Counts the calls of softmax and sigmoid, by whatever name the model calls them."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: list[tuple[torch.Tensor, int, Closing]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        closing = CLOSING_FUNCTIONS.get(getattr(func, "__name__", ""))
        if closing is not None:
            self._answers.append((output, output._version, closing))  # noqa: SLF001
        return output

    def of(self, output: torch.Tensor) -> tuple[Closing | None, int | None]:
        """Final activation that returned `output`, and the index of that call among all calls."""
        for call, (answer, version, closing) in enumerate(self._answers):
            if same(answer, output, version):
                return closing, call
        return None, None


class LeaveOut(TorchFunctionMode):
    """Replace one call of softmax or sigmoid, given by its count, by the identity."""

    def __init__(self, call: int) -> None:
        super().__init__()
        self._left = call

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in CLOSING_FUNCTIONS:
            self._left -= 1
            if self._left == -1:
                return args[0] if args else (kwargs or {})["input"]
        return func(*args, **(kwargs or {}))


def same(one: torch.Tensor, other: torch.Tensor, version: int) -> bool:
    """Whether two tensors share the same memory: one is the other, or a view of all of the other,
    such as a squeezed one, and neither has been written since `one` was of that version.
    """
    return one is other or (
        one.numel() == other.numel() > 0
        and one.data_ptr() == other.data_ptr()
        and one._version == other._version == version  # noqa: SLF001 - torch has no other way
    )
