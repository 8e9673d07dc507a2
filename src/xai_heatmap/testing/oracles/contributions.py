"""Oracles of contributions, of biases and of feature maps: FullGrad, DeepLIFT, LIFT-CAM."""

import math

import numpy as np

from xai_heatmap.testing.oracles.pictures import drawn_out_by_loops


def fullgrad_by_loops(image, gradient, biases, *, signed: bool) -> np.ndarray:
    """Srinivas and Fleuret 2019, equation 7 without its scaling; `biases` are b ⊙ ∂y/∂v.

    Signed, a place's part is shared among the pixels in proportion to how much of it they show.
    """
    c, rows, columns = image.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for m in range(c):
                own = float(image[m, i, j]) * float(gradient[m, i, j])
                found[i, j] += own if signed else abs(own)
    for bias in biases:
        k, high, wide = bias.shape
        for m in range(k):
            for a in range(high):
                for b in range(wide):
                    alone = np.zeros((high, wide))
                    alone[a, b] = 1
                    shown = drawn_out_by_loops(alone, rows, columns)
                    own = float(bias[m, a, b])
                    found += shown / shown.sum() * own if signed else shown * abs(own)
    return found


def _run_by_loops(net: dict, given: np.ndarray) -> tuple:
    """Values of every neuron of the network of `rescaled_by_loops`, and who won each maximum."""
    k, rows, columns = given.shape
    u = np.zeros((len(net["kernel"]), rows - 2, columns - 2))
    for m, i, j in np.ndindex(*u.shape):
        u[m, i, j] = net["bias"][m]
        for c, a, b in np.ndindex(k, 3, 3):
            u[m, i, j] += net["kernel"][m, c, a, b] * given[c, i + a, j + b]
    v = np.where(u > 0, u, 0.2 * u)
    pooled = np.zeros((len(u), (rows - 2) // 2, (columns - 2) // 2))
    winner = {}
    for m, i, j in np.ndindex(*pooled.shape):
        window = [(m, 2 * i + a, 2 * j + b) for a in range(2) for b in range(2)]
        winner[m, i, j] = max(window, key=lambda place: v[place])
        pooled[m, i, j] = v[winner[m, i, j]]
    t = np.tanh(pooled)
    gate = [1 / (1 + math.exp(-own.mean())) for own in t]
    y = sum(net["last"][m, i, j] * t[m, i, j] * gate[m] for m, i, j in np.ndindex(*t.shape))
    return u, v, pooled, winner, t, gate, y


def rescaled_by_loops(net: dict, activation: np.ndarray) -> tuple[np.ndarray, float, float]:
    """DeepLIFT's contributions of every entry by the Rescale rule, from 0, one neuron at a time.

    The network: conv 3x3, leaky ReLU, max pooling 2x2, tanh of it, times a gate, linear; in double
    precision. Answers contributions, and the score at 0 and at the activation.
    """
    runs = [
        _run_by_loops(net, given)
        for given in (np.zeros(activation.shape), activation.astype(np.float64))
    ]
    (u0, v0, pooled0, winner0, t0, gate0, before), (u, v, pooled, winner, t, gate, after) = runs
    cells = t[0].size
    to_gate = [
        sum(
            net["last"][m, i, j] * (t[m, i, j] + t0[m, i, j]) / 2
            for i, j in np.ndindex(*t[m].shape)
        )
        for m in range(len(t))
    ]
    to_v = np.zeros(v.shape)
    for m, i, j in np.ndindex(*t.shape):
        own = net["last"][m, i, j] * (gate[m] + gate0[m]) / 2
        apart = t[m].mean() - t0[m].mean()
        own += to_gate[m] * (gate[m] - gate0[m]) / apart / cells
        rise = pooled[m, i, j] - pooled0[m, i, j]
        own *= (t[m, i, j] - t0[m, i, j]) / rise
        place = winner[m, i, j] if rise > 0 else winner0[m, i, j]
        to_v[place] += own * rise / (v[place] - v0[place])
    found = np.zeros(activation.shape)
    for m, i, j in np.ndindex(*u.shape):
        slope = (v[m, i, j] - v0[m, i, j]) / (u[m, i, j] - u0[m, i, j])
        for c, a, b in np.ndindex(len(activation), 3, 3):
            found[c, i + a, j + b] += to_v[m, i, j] * slope * net["kernel"][m, c, a, b]
    return found * activation, before, after


def liftcam_by_loops(activation: np.ndarray, contributions: np.ndarray) -> np.ndarray:
    """Jung and Oh 2021: ReLU of the feature maps, each weighted by what it contributed in all."""
    k, rows, columns = activation.shape
    weights = [sum(float(c) for c in contributions[m].ravel()) for m in range(k)]
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            total = sum(weights[m] * float(activation[m, i, j]) for m in range(k))
            found[i, j] = max(total, 0.0)
    return found
