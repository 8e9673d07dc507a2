"""Small networks with random weights whose graphs look like those that people export."""

import torch
import torch.nn.functional as F
from torch import nn


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of an image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale, self.bias = (
            nn.Parameter(torch.rand(width) + 0.5),
            nn.Parameter(torch.randn(width)),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.permute(0, 2, 3, 1)
        return F.layer_norm(x, self.scale.shape, self.scale, self.bias).permute(0, 3, 1, 2)


class ConvNextBlock(nn.Module):
    """Patches, a depthwise 7x7 convolution, an inverted bottleneck, a strided convolution."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 4, 4), ChannelNorm(width))
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm, self.scale = nn.LayerNorm(width), nn.Parameter(torch.rand(width))
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.down = nn.Sequential(ChannelNorm(width), nn.Conv2d(width, 2 * width, 2, 2))
        self.head = nn.Linear(2 * width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.scale * self.narrow(F.gelu(self.wide(y)))
        return self.head(self.down(x + y.permute(0, 3, 1, 2)).mean((2, 3)))


class Transformer(nn.Module):
    """Patches, a class token that the score is read from, one block of attention."""

    def __init__(self, width: int = 16, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.token, self.position = (
            nn.Parameter(torch.randn(1, 1, width)),
            nn.Parameter(torch.randn(1, 17, width)),
        )
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.head = nn.Linear(width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        n, tokens, width = x.shape
        mixed = self.attention(self.norm1(x)).reshape(n, tokens, 3, self.heads, width // self.heads)
        mixed = F.scaled_dot_product_attention(*mixed.permute(2, 0, 3, 1, 4))
        x = x + self.out(mixed.transpose(1, 2).reshape(n, tokens, width))
        return self.head((x + self.perceptron(self.norm2(x)))[:, 0])


class ShiftedWindows(nn.Module):
    """Attention within rolled windows, then patches merged by strided slices."""

    def __init__(self, width: int = 8, window: int = 4) -> None:
        super().__init__()
        self.window, self.patches, self.norm = (
            window,
            nn.Conv2d(3, width, 4, 4),
            nn.LayerNorm(width),
        )
        self.attention, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.merge, self.head = nn.Linear(4 * width, 2 * width), nn.Linear(2 * width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).permute(0, 2, 3, 1)
        n, h, w, width = x.shape
        s = self.window
        y = torch.roll(self.norm(x), (-2, -2), (1, 2)).reshape(n, h // s, s, w // s, s, width)
        y = y.permute(0, 1, 3, 2, 4, 5).reshape(-1, s * s, width)
        q, k, v = self.attention(y).reshape(-1, s * s, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
        y = self.out(
            (q @ k.transpose(-2, -1))
            .softmax(-1)
            .matmul(v)
            .transpose(1, 2)
            .reshape(-1, s * s, width)
        )
        y = (
            y.reshape(n, h // s, w // s, s, s, width)
            .permute(0, 1, 3, 2, 4, 5)
            .reshape(n, h, w, width)
        )
        x = x + torch.roll(y, (2, 2), (1, 2))
        corners = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
        return self.head(self.merge(torch.cat(corners, -1)).mean((1, 2)))


class MixedBag(nn.Module):
    """Branches, squeeze and excitation, pooling, upsampling: what convolutional networks have."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1), nn.BatchNorm2d(width), nn.Hardswish()
        )
        self.branches = nn.ModuleList([
            nn.Conv2d(width, width, 1, 2),
            nn.Sequential(nn.Conv2d(width, width, 3, 2, 1, groups=2), nn.SiLU()),
            nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.GroupNorm(2, width)),
            nn.Sequential(nn.AvgPool2d(3, 2, 1), nn.InstanceNorm2d(width, affine=True), nn.Mish()),
        ])  # fmt: skip
        self.squeeze, self.excite = nn.Conv2d(4 * width, 4, 1), nn.Conv2d(4, 4 * width, 1)
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.ConvTranspose2d(4 * width, width, 2, 2)
        )
        self.head = nn.Linear(width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = torch.cat([branch(x) for branch in self.branches], 1)
        gate = self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1))))
        x = self.up(x * F.hardsigmoid(gate) + F.softplus(x))
        return self.head(F.adaptive_max_pool2d(x, 1).flatten(1))
