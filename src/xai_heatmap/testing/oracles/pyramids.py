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
    """The map of the layer, squared, times that before it, each by its highest place; the mean of
    that over each place of the layer, by a grid on which both grids have whole cells.
    """
    shares = []
    for level in stages:
        map_ = layercam_by_loops(level.activation, level.gradient)
        shares.append(map_ / map_.max() if map_.max() > 0 else map_)
    if len(shares) == 1:
        return shares[0]
    (rows, columns), (fine_rows, fine_columns) = shares[0].shape, shares[1].shape
    drawn = drawn_out_by_loops(shares[0], fine_rows, fine_columns)
    high, wide = math.lcm(rows, fine_rows), math.lcm(columns, fine_columns)
    found = np.zeros((rows, columns))
    for i in range(high):
        for j in range(wide):
            y, x = i * fine_rows // high, j * fine_columns // wide
            value = float(drawn[y, x]) ** 2 * float(shares[1][y, x])
            found[i * rows // high, j * columns // wide] += value * rows * columns / high / wide
    return found if found.max() > 0 else shares[0]


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
