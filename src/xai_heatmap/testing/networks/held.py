"""Networks of a picture and something else, in PyTorch, opened at `conv`."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

SHAPE = (3, 10, 10)


META, CLASSES, MAPS = 4, 3, 6


Numbers = Mapping[str, np.ndarray]


class Net(nn.Module):
    """A network of a picture and something else, opened at `conv`."""

    other = "metadata"
    beside = (META,)

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, MAPS, 3)

    def trunk(self, image: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
        return self.conv(image)

    def tail(self, a: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def numbers(self) -> Numbers:
        return {name: value.detach().numpy() for name, value in self.state_dict().items()}


class Late(Net):
    """Network whose held values join behind the last layer with a grid."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Linear(META, MAPS)
        self.mix = nn.Linear(2 * MAPS, MAPS)
        self.fc = nn.Linear(MAPS, CLASSES)

    def tail(self, a: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
        joined = torch.cat([torch.relu(a).mean((2, 3)), torch.tanh(self.read(held))], 1)
        return self.fc(torch.tanh(self.mix(joined)))

    def forward(self, image: torch.Tensor, metadata: torch.Tensor) -> torch.Tensor:
        return self.tail(self.trunk(image, metadata), metadata)


class Early(Net):
    """Network whose held values scale and shift the feature maps of `conv`, in front of `conv2`."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Linear(META, MAPS)
        self.shift = nn.Linear(META, MAPS)
        self.conv2 = nn.Conv2d(MAPS, MAPS, 3)
        self.fc = nn.Linear(MAPS, CLASSES)

    def modulated(self, a: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
        gain, shift = (own(held)[:, :, None, None] for own in (self.gain, self.shift))
        return torch.tanh(a * gain + shift)

    def tail(self, a: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.relu(self.conv2(self.modulated(a, held))).mean((2, 3)))

    def forward(self, image: torch.Tensor, metadata: torch.Tensor) -> torch.Tensor:
        return self.tail(self.trunk(image, metadata), metadata)


class Pair(Net):
    """Likeness of two pictures, place by place, both through the same layer."""

    other = "second"
    beside = SHAPE

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(MAPS, CLASSES)

    def tail(self, a: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
        both = torch.tanh(a) * torch.tanh(self.conv(held))
        return self.fc(both.mean((2, 3)))

    def forward(self, image: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return self.tail(self.trunk(image, second), second)


class Alone(nn.Module):
    """The twin: what is held is filled in, the picture is all that it takes."""

    def __init__(self, net: Net, held: np.ndarray) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("held", torch.from_numpy(held))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.net(image, self.held.expand(len(image), *self.held.shape[1:]))


NETS = (Late, Early, Pair)
