"""ResNet-50, MobileNetV2 and VGG19 in plain PyTorch, random weights, after the papers."""

from itertools import pairwise

import torch
from torch import nn


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 and the way around (He et al. 2015, figure 5); the stride is in the 3x3."""

    def __init__(self, before: int, width: int, *, stride: int) -> None:
        super().__init__()
        after = 4 * width
        self.branch = nn.Sequential(
            *_normalised(before, width, size=1),
            nn.ReLU(inplace=True),
            *_normalised(width, width, size=3, stride=stride),
            nn.ReLU(inplace=True),
            *_normalised(width, after, size=1),
        )
        same = before == after and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(*_normalised(before, after, size=1, stride=stride))
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """ReLU(branch + shortcut)."""
        return self.relu(self.branch(x) + self.shortcut(x))


def resnet50() -> nn.Module:
    """He et al. 2015, table 1, the column of 50 layers; 25.6 million weights."""
    stages, before = [], 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            stages.append(Bottleneck(before, width, stride=stride))
            before = 4 * width
    stem = [*_normalised(3, 64, size=7, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1000)]
    return _random(nn.Sequential(*stem, *stages, *head))


def vgg19() -> nn.Module:
    """Simonyan & Zisserman 2014, table 1, column E; 143.7 million weights."""
    features: list[nn.Module] = []
    widths = (3, 64, 128, 256, 512, 512)
    for (before, after), convolutions in zip(pairwise(widths), (2, 2, 4, 4, 4), strict=True):
        for number in range(convolutions):
            inner = after if number else before
            features += [nn.Conv2d(inner, after, 3, padding=1), nn.ReLU(inplace=True)]
        features.append(nn.MaxPool2d(2))
    head = [nn.Flatten()]
    for before, after in pairwise((512 * 7 * 7, 4096, 4096)):
        head += [nn.Linear(before, after), nn.ReLU(inplace=True), nn.Dropout(0.5)]
    return _random(nn.Sequential(*features, *head, nn.Linear(4096, 1000)))


class Inverted(nn.Module):
    """Wide, depthwise, narrow, and the way around (Sandler et al. 2018, table 1)."""

    def __init__(self, before: int, after: int, *, stride: int, widening: int) -> None:
        super().__init__()
        wide = before * widening
        self.branch = nn.Sequential(
            *([*_normalised(before, wide, size=1), nn.ReLU6(inplace=True)] if widening > 1 else []),
            *_normalised(wide, wide, size=3, stride=stride, groups=wide),
            nn.ReLU6(inplace=True),
            *_normalised(wide, after, size=1),
        )
        self.around = before == after and stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Branch + x, where their shapes are the same."""
        return x + self.branch(x) if self.around else self.branch(x)


def mobilenet_v2() -> nn.Module:
    """Sandler et al. 2018, table 2, width 1; 3.5 million weights."""
    rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1))  # fmt: skip
    stages, before = [], 32
    for widening, after, blocks, first in rows:
        for block in range(blocks):
            stride = 1 if block else first
            stages.append(Inverted(before, after, stride=stride, widening=widening))
            before = after
    stem = nn.Sequential(*_normalised(3, 32, size=3, stride=2), nn.ReLU6(inplace=True))
    last = nn.Sequential(*_normalised(before, 1280, size=1), nn.ReLU6(inplace=True))
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000)]
    return _random(nn.Sequential(stem, *stages, last, *head))


def _normalised(
    before: int, after: int, *, size: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, size, stride, size // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(after)]


def _random(model: nn.Module) -> nn.Module:
    """He's initialisation with a fixed seed; smaller weights would fade into slow denormals."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model.eval()
