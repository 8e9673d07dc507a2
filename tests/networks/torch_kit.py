"""The small networks of the conformance checks, in PyTorch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from conformance import CLASSES, Case, images


def array_function(
    function: Callable[[torch.Tensor], torch.Tensor],
) -> Callable[[np.ndarray], np.ndarray]:
    """The same function of float32 arrays, whatever precision the model has."""

    def of_arrays(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return function(torch.from_numpy(np.ascontiguousarray(x))).float().numpy()

    return of_arrays


def case(model: nn.Module, layer: str, trunk: Any, head: Any) -> Case:
    return Case(model, layer, array_function(trunk), array_function(head))


class Plain(nn.Module):
    """Conv, in-place ReLU, pooling, linear: the layer explained is overwritten right after it."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(5, classes)

    def tail(self, a: torch.Tensor) -> torch.Tensor:
        return self.fc(a.clamp(min=0).mean((2, 3)))

    def forward(self, x: torch.Tensor) -> Any:
        return self.answer(self.fc(self.relu(self.conv(x)).mean((2, 3))))

    def answer(self, logits: torch.Tensor) -> Any:
        return logits


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 5, 3)
        self.branch = nn.Conv2d(5, 5, 3, padding=1)
        self.act = nn.Tanh()
        self.fc = nn.Linear(5, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = self.stem(x)
        out = self.branch(skip)
        out += skip
        return self.fc(self.act(out).mean((2, 3)))


class Last(nn.Module):
    """The last part is a grid; what follows is only arithmetic."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, CLASSES, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x).mean((2, 3))


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 5, 3)
        self.same = nn.Conv2d(5, 5, 3, padding=1)
        self.fc = nn.Linear(5, CLASSES)

    def tail(self, a: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.tanh(a).mean((2, 3)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tail(self.same(torch.relu(self.same(self.stem(x)))))


class Never(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Conv2d(5, 5, 1)


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, int]]:
        return self.conv(x), {"stride": 1}


class TupleLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()
        self.fc = nn.Linear(5, CLASSES)

    def tail(self, a: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.relu(a).mean((2, 3)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tail(self.pair(x)[0])


class TupleOutput(Plain):
    def answer(self, logits: torch.Tensor) -> Any:
        return logits, logits.new_zeros(len(logits), 2, 3)


class DictOutput(Plain):
    def answer(self, logits: torch.Tensor) -> Any:
        return {"hidden": logits.new_zeros(len(logits), 7), "logits": logits}


class FunctionalSoftmax(Plain):
    def answer(self, logits: torch.Tensor) -> Any:
        return torch.softmax(logits, dim=-1)


class Dropout(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(5)
        self.drop = nn.Dropout(0.5)
        with torch.no_grad():
            self.norm.running_mean.uniform_(-1, 1)
            self.norm.running_var.uniform_(0.5, 2)

    def tail(self, a: torch.Tensor) -> torch.Tensor:
        shift, scale = self.norm.running_mean, (self.norm.running_var + self.norm.eps).sqrt()
        a = (a - shift[:, None, None]) / scale[:, None, None]
        return self.fc(torch.relu(a).mean((2, 3)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.relu(self.norm(self.conv(x)))
        return self.fc(self.drop(a).mean((2, 3)))


class Tokens(nn.Module):
    """A class token before 6 x 6 patches, mixed once, read off the class token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 5, 3)
        self.cls = nn.Parameter(torch.randn(1, 1, 5))
        self.block = nn.Linear(5, 5)
        self.mix = nn.Linear(37, 37)
        self.fc = nn.Linear(5, CLASSES)

    def patches(self, x: torch.Tensor) -> torch.Tensor:
        return self.embed(x).flatten(2).transpose(1, 2)

    def trunk(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(self.patches(x)).transpose(1, 2).reshape(len(x), 5, 6, 6)

    def tail(self, a: torch.Tensor) -> torch.Tensor:
        prefix = self.block(self.cls).expand(len(a), -1, -1)
        return self.read(torch.cat([prefix, a.flatten(2).transpose(1, 2)], 1))

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        mixed = torch.tanh(self.mix(tokens.transpose(1, 2)))
        return self.fc(mixed[..., 0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = torch.cat([self.cls.expand(len(x), -1, -1), self.patches(x)], 1)
        return self.read(self.block(tokens))


class Folding(nn.Module):
    """Beside the layer explained, a part runs on the picture cut in two along the image axis."""

    def __init__(self) -> None:
        super().__init__()
        self.halves = nn.Conv2d(3, 5, 3)
        self.conv = nn.Conv2d(3, 5, 3)
        self.fc = nn.Linear(10, CLASSES)

    def side(self, x: torch.Tensor) -> torch.Tensor:
        folded = self.halves(torch.cat([x[:, :, :4], x[:, :, 4:]]))
        return torch.relu(folded).mean((2, 3)).reshape(2, len(x), 5).sum(0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        side = self.side(x)
        return self.fc(torch.cat([torch.relu(self.conv(x)).mean((2, 3)), side], 1))


class Failing(Plain):
    broken = False

    def answer(self, logits: torch.Tensor) -> Any:
        return 1 // 0 if self.broken else logits


class Drawing(Plain):
    """A dropout that no evaluation mode switches off."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(5, 5, 3)

    def between(self, a: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(a, 0.5, training=True)

    def forward(self, x: torch.Tensor) -> Any:
        return self.tail(self.last(self.between(self.conv(x))))


class Mixing(Drawing):
    def between(self, a: torch.Tensor) -> torch.Tensor:
        return a - a.mean(0, keepdim=True) / 2


class TorchKit:
    """One small torch model for each trap."""

    def __init__(self) -> None:
        torch.manual_seed(0)

    def _plain(self, model: Plain) -> Case:
        return case(model, "conv", model.conv, model.tail)

    def plain(self) -> Case:
        return self._plain(Plain())

    def residual(self) -> Case:
        model = Residual()
        return case(model, "branch", lambda x: model.branch(model.stem(x)), None)

    def nested(self) -> Case:
        inner = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(inplace=True))
        model = nn.Sequential(inner, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, CLASSES))
        return case(model, "0.0", inner[0], lambda a: model[3](a.clamp(min=0).mean((2, 3))))

    def last(self) -> Case:
        model = Last()
        return case(model, "conv", model.conv, lambda a: a.mean((2, 3)))

    def twice(self) -> tuple[Case, Case]:
        model = Twice()
        first = case(
            model,
            "same#1",
            lambda x: model.same(model.stem(x)),
            lambda a: model.tail(model.same(torch.relu(a))),
        )
        second = case(
            model,
            "same#2",
            lambda x: model.same(torch.relu(model.same(model.stem(x)))),
            model.tail,
        )
        return first, second

    def never(self) -> tuple[Any, str]:
        return Never(), "unused"

    def tuple_layer(self) -> Case:
        model = TupleLayer()
        return case(model, "pair", model.pair.conv, model.tail)

    def tuple_output(self) -> Case:
        return self._plain(TupleOutput())

    def dict_output(self) -> Case:
        return self._plain(DictOutput())

    def softmax(self) -> Case:
        inner = Plain()
        model = nn.Sequential(inner, nn.Softmax(dim=1))
        return case(model, "0.conv", inner.conv, inner.tail)

    def functional_softmax(self) -> Case:
        return self._plain(FunctionalSoftmax())

    def sigmoid_unit(self) -> Case:
        inner = Plain(1)
        model = nn.Sequential(inner, nn.Sigmoid())
        return case(model, "0.conv", inner.conv, inner.tail)

    def sigmoid_labels(self) -> Case:
        inner = Plain()
        model = nn.Sequential(inner, nn.Sigmoid())
        return case(model, "0.conv", inner.conv, inner.tail)

    def dropout(self) -> Case:
        return self._plain(Dropout().train())

    def frozen(self) -> Case:
        return self._plain(Plain().requires_grad_(requires_grad=False))

    def half(self) -> Case:
        model = Plain().bfloat16()
        wide = Plain()
        wide.load_state_dict({name: weight.float() for name, weight in model.state_dict().items()})
        return case(model, "conv", wide.conv, wide.tail)

    def tokens(self) -> Case:
        model = Tokens()
        return case(model, "block", model.trunk, model.tail)

    def folding(self) -> Case:
        model = Folding()
        x = torch.from_numpy(images()[1:2])  # `head` is asked about row 1
        return case(
            model,
            "conv",
            model.conv,
            lambda a: model.fc(
                torch.cat([torch.relu(a).mean((2, 3)), model.side(x).expand(len(a), -1)], 1)
            ),
        )

    def drawing(self) -> Any:
        return Drawing().eval()

    def mixing(self) -> Any:
        return Mixing().eval()

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
