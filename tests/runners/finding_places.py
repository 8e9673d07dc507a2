"""Small pictures and a network that looks for one coloured square, for the tests of findings."""

import numpy as np
import PIL.Image

import xai_heatmap as xh

SIDE, CELL = 24, 4
NAMES = ["red", "blue"]


def coloured(x):
    """Scores by the reddest and the bluest pixel, whatever is beside it."""
    red = (x[:, 0] - x[:, 2]).max(axis=(1, 2))
    blue = (x[:, 2] - x[:, 0]).max(axis=(1, 2))
    return np.stack([5 * red, 5 * blue], axis=1).astype(np.float32)


def network(net=coloured):
    return xh.network(net, image_shape=(3, SIDE, SIDE))


def picture(number, *, only=None):
    """A grey picture with a square: red where the number is even."""
    chance = np.random.default_rng(number)
    pixels = chance.integers(100, 110, (SIDE, SIDE, 3)).astype(np.uint8)
    row, column = CELL * chance.integers(6, size=2)
    colour = number % 2 if only is None else only
    pixels[row : row + CELL, column : column + CELL] = ((220, 20, 20), (20, 20, 220))[colour]
    return pixels


def folder(path, count=24, *, only=None):
    path.mkdir(parents=True)
    lines = ["uri,label,id"]
    for number in range(count):
        PIL.Image.fromarray(picture(number, only=only)).save(path / f"{number:03d}.png")
        label = NAMES[number % 2 if only is None else only]
        lines.append(f"{path / f'{number:03d}.png'},{label},{number:03d}")
    (path / "list.csv").write_text("\n".join(lines) + "\n")
    return path


def made(path, source, net=coloured, **other):
    asked = {
        "method": "occlusion", "options": {"window": 4, "stride": 4}, "preprocess": "unit",
        "labels": NAMES, "maps": "float32",
    }  # fmt: skip
    return xh.batch(source, network(net), out=path, **(asked | other))
