"""Watch a network learn where to look: heatmaps after every few epochs of a training.

    python examples/watch_training.py

Pictures of three classes are drawn from seeds, a small network is trained on them, and the heat of
four new pictures is drawn after the epochs 1, 4, 8, ... Everything is in ``training-out``: a sheet
for each look, the raw maps, ``looks.json``, and the film of all looks.
"""

import numpy as np
import torch
from torch import nn

from xai_heatmap import scenes
from xai_heatmap.training import Heatmaps

CLASSES = ("beetle", "bird", "bear")
EPOCHS, COUNT = 16, 300


def pictures(seeds: range) -> tuple[list[np.ndarray], np.ndarray]:
    """Pictures (128, 128, 3) and their classes."""
    labels = np.array([seed % 3 for seed in seeds])
    drawn = [
        scenes.scene(seed, category=CLASSES[own]).image
        for seed, own in zip(seeds, labels, strict=True)
    ]
    return drawn, labels


def block(channels: int, features: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, features, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(features),
        nn.ReLU(),
    )


def main(to: str = "training-out") -> Heatmaps:
    """Train, looking at four new pictures meanwhile."""
    torch.manual_seed(0)
    drawn, labels = pictures(range(COUNT))
    x = torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 255
    y = torch.from_numpy(labels)
    model = nn.Sequential(
        block(3, 16), block(16, 32), block(32, 48), block(48, 64),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, len(CLASSES)),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    watched, classes = pictures(range(3000, 3004))
    heatmaps = Heatmaps(
        watched, to, every=4, targets=classes, labels=CLASSES, preprocess="unit",
        opening={"image_shape": (3, 128, 128)},
    )  # fmt: skip
    heatmaps.begin()
    for epoch in range(1, EPOCHS + 1):
        model.train()
        for rows in torch.randperm(COUNT).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        heatmaps.after(epoch, model)
    heatmaps.finish(EPOCHS, model)
    return heatmaps


if __name__ == "__main__":
    main()
