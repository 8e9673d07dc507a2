"""Draw the pictures of the pages for users: ``python docs/user_pages.py``."""

from pathlib import Path

import numpy as np
import PIL.Image

import xai_heatmap as xh

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images"
PICTURES = (IMAGES / "unseen.jpg", IMAGES / "signal.png")
CHELSEA = HERE.parent / "examples" / "images" / "chelsea.jpg"


def orange(x: np.ndarray) -> np.ndarray:
    """How much more red than blue the middle of a picture is: a network that one can check."""
    middle = x[:, :, 40:110, 60:150]
    return (middle[:, 0] - middle[:, 2]).mean((1, 2))[:, None] * [[1.0, -1.0]]


def spike(x: np.ndarray) -> np.ndarray:
    """The steepest rise of a signal's first channel."""
    return np.diff(x[:, 0], axis=1).max(axis=1)[:, None] * [[1.0, -1.0]]


def beats() -> np.ndarray:
    """Two leads of a heart, one beat of which is taller than the others."""
    time = np.arange(600)
    lead = sum(
        tall * np.exp(-(((time - at) / 5) ** 2))
        for at, tall in ((80, 1), (200, 1), (320, 2.2), (440, 1), (560, 1))
    )
    noise = np.random.default_rng(0).normal(size=(2, 600)) * 0.03
    return (np.stack([lead, 0.4 * np.roll(lead, 3)]) + noise).astype(np.float32)


def main() -> None:
    """Write the pictures."""
    network = xh.network(orange, image_shape=(3, 224, 224))
    seen = xh.explain(
        network, CHELSEA, preprocess={"mode": "unit", "fit": "crop"}, method="occlusion", target=0
    )
    picture = PIL.Image.fromarray(seen.overlay(caption=True))
    picture.save(PICTURES[0], quality=88)
    heart = xh.explain(
        xh.network(spike, image_shape=(2, 600)), beats(), method="occlusion", target=0
    )
    PIL.Image.fromarray(heart.overlay()).save(PICTURES[1], optimize=True)


if __name__ == "__main__":
    main()
