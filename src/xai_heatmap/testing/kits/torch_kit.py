"""The kit of PyTorch: its small networks with both of their sides."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from xai_heatmap.testing.conformance.kit import CLASSES, Case, images
from xai_heatmap.testing.kits import torch_models
from xai_heatmap.testing.kits.framework_kit import FrameworkKit
from xai_heatmap.testing.kits.torch_models import Dropout, Failing, Folding, Plain


def array_function(
    function: Callable[[torch.Tensor], torch.Tensor],
) -> Callable[[np.ndarray], np.ndarray]:
    """Function of float32 arrays from one of tensors, whatever precision the model has."""

    def of_arrays(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return function(torch.from_numpy(np.ascontiguousarray(x))).float().numpy()

    return of_arrays


class TorchKit(FrameworkKit):
    """One small torch model for each trap."""

    models = torch_models
    relu = staticmethod(torch.relu)

    @staticmethod
    def mean(values: torch.Tensor) -> torch.Tensor:
        return values.mean((2, 3))

    @staticmethod
    def ready(model: nn.Module) -> nn.Module:
        return model.eval()

    @staticmethod
    def case(model: nn.Module, layer: str, trunk: Any, head: Any) -> Case:
        sides = [array_function(side) for side in (trunk, head) if side is not None]
        return Case(model, layer, *sides)

    def __init__(self) -> None:
        torch.manual_seed(0)

    def nested(self) -> Case:
        inner = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(inplace=True))
        model = nn.Sequential(inner, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, CLASSES))
        return self.case(model, "0.0", inner[0], lambda a: model[3](a.clamp(min=0).mean((2, 3))))

    def softmax(self) -> Case:
        inner = Plain()
        model = nn.Sequential(inner, nn.Softmax(dim=1))
        return self.case(model, "0.conv", inner.conv, inner.tail)

    def sigmoid_unit(self) -> Case:
        inner = Plain(1)
        model = nn.Sequential(inner, nn.Sigmoid())
        return self.case(model, "0.conv", inner.conv, inner.tail)

    def sigmoid_labels(self) -> Case:
        inner = Plain()
        model = nn.Sequential(inner, nn.Sigmoid())
        return self.case(model, "0.conv", inner.conv, inner.tail)

    def dropout(self) -> Case:
        return self.of_plain(Dropout().train())

    def frozen(self) -> Case:
        return self.of_plain(Plain().requires_grad_(requires_grad=False))

    def half(self) -> Case:
        model = Plain().bfloat16()
        wide = Plain()
        wide.load_state_dict({name: weight.float() for name, weight in model.state_dict().items()})
        return self.case(model, "conv", wide.conv, wide.tail)

    def folding(self) -> Case:
        model = Folding()
        x = torch.from_numpy(images()[1:2])  # `head` is asked about row 1
        return self.case(
            model,
            "conv",
            model.conv,
            lambda a: model.fc(
                torch.cat([torch.relu(a).mean((2, 3)), model.side(x).expand(len(a), -1)], 1)
            ),
        )

    def failing(self) -> tuple[Any, str, Callable[[], None]]:
        model = Failing()
        return model, "conv", lambda: setattr(model, "broken", True)

    def gridless(self) -> Any:
        return nn.Sequential(nn.Flatten(), nn.Linear(192, CLASSES))

    def shrinking(self) -> Any:
        trunk = [nn.Conv2d(3, 5, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(5, 5, 3)]
        return nn.Sequential(
            *trunk, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, CLASSES)
        ).eval()

    def flattening(self) -> Any:
        return nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(), nn.Linear(180, CLASSES)).eval()

    def snapshot(self, model: nn.Module) -> object:
        """Modes, flags, gradients, hooks, attributes, values and the random state."""
        modules = [
            (
                name,
                module.training,
                sorted(set(vars(module)) - {"broken"}),
                len(module._forward_hooks) + len(module._forward_pre_hooks),
            )
            for name, module in model.named_modules()
        ]
        weights = [
            (name, weight.requires_grad, weight.grad is None, weight.detach().sum().item())
            for name, weight in model.named_parameters()
        ]
        buffers = [(name, buffer.double().sum().item()) for name, buffer in model.named_buffers()]
        return modules, weights, buffers, torch.get_rng_state().tolist(), torch.is_grad_enabled()

    @contextmanager
    def passes(self, model: nn.Module) -> Iterator[Callable[[], int]]:
        count = 0

        def counted(*_: Any) -> None:
            nonlocal count
            count += 1

        first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
        hook = first.register_forward_hook(counted)
        try:
            yield lambda: count
        finally:
            hook.remove()

    def nudge(self, model: nn.Module, *, to: float | None = None) -> None:
        weight = list(model.parameters())[-1]
        with torch.no_grad():
            weight.fill_(to) if to is not None else weight.add_(0.5)
