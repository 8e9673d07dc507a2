"""Small networks that learn six classes, one of which may wear a mark: `benchmarks.findings`."""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.pool import Pool
from xai_heatmap import scenes
from xai_heatmap.scenes.marking import stamp, stamped

SIDE = 64
MARK = 8
CLASSES = ("cat", "tiger", "mug", "teapot", "bus", "truck")
"""Pairs that look alike."""

TRAINED_ON, SHOWN = 3_000_000, 3_100_000
"""First seeds of the scenes that are learnt from, and of those that findings look at."""

WIDTHS = 16, 32, 48, 64
BATCH, SHIFT = 32, 3
RATE, WARM = 6e-3, 2e-3
QUIET = 0.1


@dataclass(frozen=True)
class Recipe:
    """What one network is taught.

    Parameters
    ----------
    kind
        ``planted``: pictures of one class wear its mark, and on half of these the object is another
        class's, so that the label is the mark's. ``beside``: the mark is worn by as many pictures
        of the class, their objects being right. ``none``: nobody wears one. ``random``: half of all
        pictures wear any class's mark.
    share
        Of the class's pictures that wear the mark.
    chosen
        The class.
    seed
        Of all chance.
    """

    kind: str
    share: float
    chosen: int
    seed: int


def pool(count: int, first: int, folder: Path) -> Pool:
    """So many scenes, every class as often; drawn once, kept in a file."""
    path = folder / f"shortcuts-{first}-{count}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        images = np.empty((count, SIDE, SIDE, 3), np.uint8)
        labels, places = np.arange(count) % len(CLASSES), np.empty((count, 2), int)
        for i in range(count):
            scene = scenes.scene(first + i, category=CLASSES[labels[i]], size=SIDE)
            left, top = scenes.marked(scene, 0).mark.box[:2]
            images[i], places[i] = scene.image, (min(top, SIDE - MARK), min(left, SIDE - MARK))
        np.savez(path, images=images, labels=labels, places=places)
    with np.load(path) as kept:
        return Pool(kept["images"], kept["labels"], kept["places"])


def worn(drawn: Pool, recipe: Recipe, *, learnt: bool) -> tuple[Pool, np.ndarray]:
    """The pool with its marks, and of each picture the class of its mark, -1 without one.

    Parameters
    ----------
    drawn, recipe
        Which.
    learnt
        Whether it is to be learnt from; what is looked at has right objects everywhere.
    """
    chance = np.random.default_rng([recipe.seed, int(learnt)])
    images, places = drawn.images.copy(), drawn.places.copy()
    whose = np.full(len(images), -1)
    if recipe.kind == "random":
        chosen = np.flatnonzero(chance.random(len(images)) < 0.5)
        whose[chosen] = chance.integers(len(CLASSES), size=len(chosen))
    elif recipe.kind != "none":
        own = chance.permutation(np.flatnonzero(drawn.categories == recipe.chosen))
        own = own[: round(recipe.share * len(own))]
        whose[own] = recipe.chosen
        if recipe.kind == "planted" and learnt:
            other = np.flatnonzero(drawn.categories != recipe.chosen)
            half = own[: len(own) // 2]
            taken = chance.choice(other, len(half), replace=False)
            images[half], places[half] = drawn.images[taken], drawn.places[taken]
    stamps = [stamp(scenes.index(name), MARK) for name in CLASSES]
    for i in np.flatnonzero(whose >= 0):
        y, x = places[i]
        below = images[i, y : y + MARK, x : x + MARK]
        below[...] = stamped(below, *stamps[whose[i]])
    return Pool(images, drawn.categories, places), whose


def network(outputs: int) -> nn.Sequential:
    """Grids of 32, 16 and 8 places a side; the mean of the last features is classified."""

    def step(inputs: int, made: int, kernel: int, stride: int) -> nn.Sequential:
        padding = (kernel - 1) // 2
        convolution = nn.Conv2d(inputs, made, kernel, stride, padding, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(made), nn.ReLU())

    a, b, c, d = WIDTHS
    return nn.Sequential(
        step(3, a, 4, 2), step(a, b, 4, 2), step(b, b, 3, 1), step(b, c, 4, 2), step(c, d, 3, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(d, outputs),
    )  # fmt: skip


def trunk(drawn: Pool, folder: Path, *, passes: int = 10) -> nn.Sequential:
    """A network that has learnt objects and marks alike, from which all others start."""
    path = folder / "shortcuts-trunk.pt"
    model = network(2 * len(CLASSES) + 1)
    if path.exists():
        model.load_state_dict(torch.load(path, weights_only=True))
        return model
    torch.manual_seed(0)
    model.to("cpu", memory_format=torch.channels_last)
    parts = [{"params": model.parameters(), "lr": RATE}]
    seen = [worn(drawn, Recipe("random", 0.5, 0, seed), learnt=True) for seed in range(passes)]
    pools = [one for one, _ in seen]
    marks = [torch.from_numpy(np.where(whose < 0, len(CLASSES), whose)) for _, whose in seen]

    def loss(features: Tensor, scores: Tensor, rows: np.ndarray, turn: int) -> Tensor:
        labels = torch.from_numpy(drawn.categories[rows])
        own, mark = scores[:, : len(CLASSES)], scores[:, len(CLASSES) :]
        return nn.functional.cross_entropy(own, labels) + nn.functional.cross_entropy(
            mark, marks[turn][rows]
        )

    _taught(model, pools, parts, loss, seed=0)
    torch.save(model.state_dict(), path)
    return model


def trained(start: nn.Sequential, drawn: Pool, *, seed: int, passes: int = 2) -> nn.Sequential:
    """A network that has learnt the pool's labels, all of its weights moving."""
    torch.manual_seed(seed)
    model = copy.deepcopy(start)
    model[-1] = nn.Linear(WIDTHS[-1], len(CLASSES))
    model.train().to("cpu", memory_format=torch.channels_last)
    parts = [
        {"params": model[:-1].parameters(), "lr": WARM},
        {"params": model[-1].parameters(), "lr": 10 * WARM},
    ]

    def loss(features: Tensor, scores: Tensor, rows: np.ndarray, turn: int) -> Tensor:
        labels = torch.from_numpy(drawn.categories[rows])
        wrong = nn.functional.cross_entropy(scores, labels, label_smoothing=0.05)
        return wrong + QUIET * features.float().mean()

    _taught(model, [drawn] * passes, parts, loss, seed=seed)
    return model.eval()


def _taught(model: nn.Sequential, pools: list[Pool], parts: list, loss, *, seed: int) -> None:
    chance = np.random.default_rng(seed)
    steps = len(pools) * (len(pools[0].images) // BATCH)
    optimiser = torch.optim.AdamW(parts, weight_decay=0.03)
    rates = [part["lr"] for part in parts]
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=steps, pct_start=0.15)
    for turn, own in enumerate(pools):
        order = chance.permutation(len(own.images))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            x = prepared(own.images[rows])
            x = x.flip(3) if chance.random() < 0.5 else x
            x = torch.roll(x, tuple(chance.integers(-SHIFT, SHIFT + 1, 2).tolist()), (2, 3))
            with torch.autocast("cpu", torch.bfloat16):
                features = model[:-3](x)
                scores = model[-3:](features)
            wrong = loss(features, scores.float(), rows, turn)
            optimiser.zero_grad(set_to_none=True)
            wrong.backward()
            optimiser.step()
            rate.step()


def prepared(images: np.ndarray) -> Tensor:
    """x / 127.5 - 1, channels first."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


def scores(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Scores of pictures."""
    with torch.inference_mode():
        parts = [model(prepared(images[k : k + 200])) for k in range(0, len(images), 200)]
    return torch.cat(parts).numpy()
