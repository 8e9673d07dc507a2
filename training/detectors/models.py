"""Three small detectors on one trunk: a head for each level, queries that attend, proposals that
are cut out.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from training.detectors.planted import NAMES, SIDE

STRIDES = (8, 16)
WIDTH = 48
QUERIES = 8


def convolving(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm and ReLU; a step of 2 has a kernel of 4 and is centred."""
    padding = (kernel - 1) // 2
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Residual(nn.Module):
    """relu(x + two convolutions)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = convolving(width, width)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        return self.relu(x + self.second(self.first(x)))


class Trunk(nn.Module):
    """Features of strides 8 and 16, the finer ones with what the coarser ones see."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = convolving(3, 16, 4, 2)
        self.quarter = nn.Sequential(convolving(16, 24, 4, 2), Residual(24))
        self.eighth = nn.Sequential(convolving(24, WIDTH, 4, 2), Residual(WIDTH))
        self.sixteenth = nn.Sequential(convolving(WIDTH, 64, 4, 2), Residual(64))
        self.down = nn.Conv2d(64, WIDTH, 1)
        self.across = nn.Conv2d(WIDTH, WIDTH, 1)
        self.fine, self.coarse = convolving(WIDTH, WIDTH), convolving(WIDTH, WIDTH)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, 48, 16, 16) and (n, 48, 8, 8) of pictures (n, 3, 128, 128)."""
        fine = self.eighth(self.quarter(self.stem(x)))
        coarse = self.down(self.sixteenth(fine))
        return self.fine(self.across(fine) + self.up(coarse)), self.coarse(coarse)


def centres(features: Tensor, stride: int) -> Tensor:
    """Centres (places, 2) of the places of a grid, in pixels, x before y."""
    rows = (torch.arange(features.shape[2]) + 0.5) * stride
    columns = (torch.arange(features.shape[3]) + 0.5) * stride
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


class Branches(nn.Module):
    """Scores and sides of a box at every place of one level, of two branches."""

    def __init__(self, classes: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.score = nn.Sequential(convolving(WIDTH, WIDTH), nn.Conv2d(WIDTH, classes, 1))
        self.sides = nn.Sequential(convolving(WIDTH, WIDTH), nn.Conv2d(WIDTH, 4, 1))
        nn.init.constant_(self.score[-1].bias, -4)
        nn.init.constant_(self.sides[-1].bias, 0.5)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, places, classes), and left, top, right, bottom (n, places, 4) in pixels."""
        sides = nn.functional.softplus(self.sides(features)).flatten(2).transpose(1, 2)
        at = centres(features, self.stride)
        near, far = at - sides[..., :2] * self.stride * 2, at + sides[..., 2:] * self.stride * 2
        return self.score(features).flatten(2).transpose(1, 2), torch.cat([near, far], -1)


class PerLevel(nn.Module):
    """A head for each level without anchors; answers (n, 4 + classes, boxes) as YOLO does."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.heads = nn.ModuleList(Branches(len(NAMES), stride) for stride in STRIDES)

    def found(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and corners of all places, the finer level first."""
        own = [head(f) for head, f in zip(self.heads, self.trunk(x), strict=True)]
        return torch.cat([one[0] for one in own], 1), torch.cat([one[1] for one in own], 1)

    def forward(self, x: Tensor) -> Tensor:
        """Centre, width, height in pixels and one probability a class, box by box."""
        scores, corners = self.found(x)
        return torch.cat([centred(corners), scores.sigmoid()], -1).transpose(1, 2)


class Attending(nn.Module):
    """Queries that attend to each other and to both levels."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.cross = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 96), nn.ReLU(), nn.Linear(96, WIDTH))
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))

    def forward(self, queries: Tensor, where: Tensor, memory: Tensor, places: Tensor) -> Tensor:
        """Queries of the same shape; `where` and `places` are codes of positions."""
        q = queries + where
        queries = self.norms[0](queries + self.own(q, q, queries, need_weights=False)[0])
        seen = self.cross(queries + where, memory + places, memory, need_weights=False)[0]
        queries = self.norms[1](queries + seen)
        return self.norms[2](queries + self.mlp(queries))


class Queries(nn.Module):
    """The likeliest places of both levels become queries that attend; answers as DETR does."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.heads = nn.ModuleList(Branches(1, stride) for stride in STRIDES)
        self.place = nn.Sequential(nn.Linear(3, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH))
        self.layers = nn.ModuleList(Attending() for _ in range(2))
        self.score = nn.Linear(WIDTH, len(NAMES) + 1)
        self.shift = nn.Linear(WIDTH, 4)
        nn.init.zeros_(self.shift.weight)
        nn.init.zeros_(self.shift.bias)

    def found(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits (n, 8, 7) with nothing last and corners of the queries; of all places likewise."""
        levels = self.trunk(x)
        memory = torch.cat([f.flatten(2).transpose(1, 2) for f in levels], 1)
        own = [head(f) for head, f in zip(self.heads, levels, strict=True)]
        likely, corners = (torch.cat([one[i] for one in own], 1) for i in range(2))
        at = [
            nn.functional.pad(centres(f, s) / SIDE, (0, 1), value=s / 16)
            for f, s in zip(levels, STRIDES, strict=True)
        ]
        places = self.place(torch.cat(at).expand(len(x), -1, -1))
        best = likely[..., 0].detach().topk(QUERIES, 1).indices[..., None]
        chosen = [t.gather(1, best.expand(-1, -1, t.shape[2])) for t in (memory, places, corners)]
        queries, where, boxes = chosen[0], chosen[1], chosen[2].detach()
        for layer in self.layers:
            queries = layer(queries, where, memory, places)
        return self.score(queries), boxes + self.shift(queries) * 16, likely, corners

    def forward(self, x: Tensor) -> Mapping[str, Tensor]:
        """Logits and boxes (centre, width, height) as fractions of the picture."""
        scores, corners, _, _ = self.found(x)
        return {"pred_logits": scores, "pred_boxes": centred(corners) / SIDE}


class Proposals(nn.Module):
    """The likeliest places of the finer level propose boxes, which are cut out and judged."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.proposing = Branches(1, STRIDES[0])
        self.judge = nn.Sequential(nn.Linear(WIDTH * 25, 64), nn.ReLU())
        self.score, self.shift = nn.Linear(64, len(NAMES) + 1), nn.Linear(64, 4)
        nn.init.zeros_(self.shift.weight)
        nn.init.zeros_(self.shift.bias)

    def found(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As of `Queries`; the places are those of the finer level."""
        fine, _ = self.trunk(x)
        likely, corners = self.proposing(fine)
        best = likely[..., 0].detach().topk(QUERIES, 1).indices[..., None]
        boxes = corners.detach().gather(1, best.expand(-1, -1, 4))
        judged = self.judge(cut(fine, boxes / SIDE).flatten(2))
        return self.score(judged), boxes + self.shift(judged) * 16, likely, corners

    def forward(self, x: Tensor) -> Mapping[str, Tensor]:
        """Logits, and left, top, right, bottom in pixels."""
        scores, corners, _, _ = self.found(x)
        return {"scores": scores, "boxes": corners}


def cut(features: Tensor, boxes: Tensor) -> Tensor:
    """Features (n, boxes, k, 5, 5) read inside of boxes, which are fractions of the grid."""
    steps = (torch.arange(5) + 0.5) / 5
    sides = boxes[..., 2:] - boxes[..., :2]
    x = boxes[..., 0, None] + sides[..., 0, None] * steps
    y = boxes[..., 1, None] + sides[..., 1, None] * steps
    n, m = boxes.shape[:2]
    at = torch.stack([x[:, :, None].expand(n, m, 5, 5), y[..., None].expand(n, m, 5, 5)], -1)
    read = nn.functional.grid_sample(
        features, (at * 2 - 1).reshape(n, m * 5, 5, 2), align_corners=False
    )
    return read.reshape(n, -1, m, 5, 5).transpose(1, 2)


def centred(corners: Tensor) -> Tensor:
    """Centre, width and height of boxes."""
    near, far = corners[..., :2], corners[..., 2:]
    return torch.cat([(near + far) / 2, far - near], -1)


KINDS = {"per level": PerLevel, "queries": Queries, "proposals": Proposals}
"""The detectors by the kind of head they have."""
