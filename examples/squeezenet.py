r"""SqueezeNet 1.1 in plain PyTorch, by torchvision's parameter names, so that its weights fit.

xai-heatmap explain dog.jpg --model examples/squeezenet.py:squeezenet \
        --weights squeezenet1_1.safetensors --preprocess imagenet
"""

import torch
from torch import nn


class Fire(nn.Module):
    """Few 1x1 filters, then many 1x1 and 3x3 ones side by side (Iandola et al. 2016)."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Both kinds of filter, joined along the feature maps."""
        x = self.squeeze_activation(self.squeeze(x))
        one = self.expand1x1_activation(self.expand1x1(x))
        three = self.expand3x3_activation(self.expand3x3(x))
        return torch.cat([one, three], dim=1)


class SqueezeNet(nn.Module):
    """Eight fire modules, then a score for each class at every place, averaged."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=3, stride=2),
            nn.ReLU(inplace=True),
            _halving(),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            _halving(),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            _halving(),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Conv2d(512, classes, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d((1, 1)),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, H, W) to logits (n, classes)."""
        return self.classifier(self.features(x)).flatten(1)


def squeezenet() -> SqueezeNet:
    """The factory that the command line calls: a network with random weights."""
    return SqueezeNet()


def _halving() -> nn.MaxPool2d:
    return nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
