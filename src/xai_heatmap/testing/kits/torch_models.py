"""Small PyTorch networks, one for each trap."""

from typing import Any

import torch
from torch import nn

from xai_heatmap.testing.conformance.kit import CLASSES


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
    """Network with a part, beside the layer explained, that runs on the picture cut in two along
    the image axis.
    """

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
