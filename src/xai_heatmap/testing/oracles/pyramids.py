"""Maps of several layers, made one."""

import math

import numpy as np

from xai_heatmap.testing.oracles.cams import layercam_by_loops
from xai_heatmap.testing.oracles.pictures import drawn_out_by_loops


def layercam_fused_by_loops(pyramid, gamma: float) -> np.ndarray:
    """Jiang et al. 2021, equations 5 and 6: early maps through tanh, then the maximum of all."""
    rows, columns = pyramid[0].activation.shape[1:]
    found = np.zeros((rows, columns))
    for place, level in enumerate(pyramid):
        map_ = layercam_by_loops(level.activation, level.gradient)
        if map_.max() <= 0:
            continue
        map_ = map_ / map_.max()
        if place + 1 < len(pyramid):
            map_ = np.array([[math.tanh(gamma * float(v)) for v in row] for row in map_])
        drawn = drawn_out_by_loops(map_, rows, columns)
        for i in range(rows):
            for j in range(columns):
                found[i, j] = max(found[i, j], drawn[i, j])
    return found


def layercam_product_by_loops(stages) -> np.ndarray:
    """The map of the layer, and of that before it, each by its highest place, multiplied."""
    shares = []
    for level in stages:
        map_ = layercam_by_loops(level.activation, level.gradient)
        shares.append(map_ / map_.max() if map_.max() > 0 else map_)
    if len(shares) == 1:
        return shares[0]
    rows, columns = shares[1].shape
    drawn, found = drawn_out_by_loops(shares[0], rows, columns), np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            found[i, j] = drawn[i, j] * shares[1][i, j]
    return found if found.max() > 0 else drawn


def refinecam_by_loops(pyramid, floor: float) -> np.ndarray:
    """Domeniconi et al. 2026: min-max maps multiplied; their n-th root, with a floor."""
    rows, columns = pyramid[0].activation.shape[1:]
    drawn = []
    for level in pyramid:
        map_ = layercam_by_loops(level.activation, level.gradient)
        if map_.max() > map_.min():
            scaled = (map_ - map_.min()) / (map_.max() - map_.min())
            drawn.append(drawn_out_by_loops(scaled, rows, columns))
    found = np.zeros((rows, columns))
    for i in range(rows if drawn else 0):
        for j in range(columns):
            product = math.prod(floor + (1 - floor) * float(own[i, j]) for own in drawn)
            found[i, j] = (product ** (1 / len(drawn)) - floor) / (1 - floor)
    return found
