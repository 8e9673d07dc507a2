"""PyTorch, eager, on a card where there is one (and `run` has not hidden it)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks import networks, peers
from benchmarks.framework import Framework


class Torch(Framework):
    """`torch.nn.Module` without Keras."""

    title = "PyTorch"
    channels_last = False
    rivals = peers.TORCH

    def model(self, name: str, precision: str = "float32") -> Any:
        """The network on its device."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return networks.torch_model(name).to(device, getattr(torch, precision))

    def bare(self, model: Any, x: np.ndarray) -> Callable[[], np.ndarray]:
        """One forward pass without gradients."""
        own = next(model.parameters())

        def forward() -> np.ndarray:
            with torch.no_grad():
                return model(torch.from_numpy(x).to(own)).float().cpu().numpy()

        return forward

    def resident(self, model: Any, x: np.ndarray) -> Callable[[], object]:
        """The same with the pictures on the card already and the scores left there."""
        picture = torch.from_numpy(x).to(next(model.parameters()))

        def forward() -> torch.Tensor:
            with torch.no_grad():
                return model(picture)

        return forward

    def synchronise(self) -> None:
        """Wait for the card."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    def card(self) -> str:
        """The card's name."""
        return torch.cuda.get_device_name() if torch.cuda.is_available() else ""

    def held(self) -> int:
        """Bytes that tensors hold on the card."""
        return torch.cuda.memory_allocated() if torch.cuda.is_available() else 0

    def versions(self) -> list[str]:
        """What ran."""
        return [f"PyTorch {torch.__version__} ({torch.get_num_threads()} threads)"]


FRAMEWORK = Torch()
