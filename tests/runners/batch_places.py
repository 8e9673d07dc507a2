"""A small network and small pictures for the tests of batch runs."""

import numpy as np
import PIL.Image

import xai_heatmap as xh

SIDE = 8

FACTORY = """
import os
import numpy as np

def bright(x):
    deadly = x[:, 0, 0, 0] == 1
    if deadly.any():
        os._exit(9)
    light = x.mean(axis=(1, 2, 3))
    return np.stack([4 * light, 1 - light, light * 0], axis=1).astype(np.float32)

def net():
    return bright
"""

ASKED = {
    "method": "occlusion",
    "options": {"window": 4, "stride": 4},
    "preprocess": "unit",
    "labels": ["light", "dark", "none"],
    "shard": 4,
    "size": 3,
}


def bright(x):
    light = x.mean(axis=(1, 2, 3))
    return np.stack([4 * light, 1 - light, light * 0], axis=1).astype(np.float32)


def network():
    return xh.network(bright, image_shape=(3, SIDE, SIDE))


def picture(number):
    pixels = np.full((SIDE, SIDE, 3), 20 + 7 * (number % 30), np.uint8)
    pixels[2 : 4 + number % 3, 2:4] = 250
    pixels[0, 0] = number % 250
    return pixels


def save(path, number, *, deadly=False):
    pixels = picture(number)
    if deadly:
        pixels[0, 0] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(pixels).save(path)


def folder(path, count=10):
    for number in range(count):
        save(path / f"{number:03d}.png", number)
    return path


def table(run, *, without=("seconds",)):
    return xh.open_run(run).table().drop_columns(list(without))
