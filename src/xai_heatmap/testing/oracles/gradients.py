"""Gradients at one place, near it, and along a way to it."""

import math

import numpy as np


def saliency_by_loops(_: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Simonyan et al. 2013, section 3.1: the largest magnitude over the colour channels."""
    k, rows, columns = gradient.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            found[i, j] = max(abs(float(gradient[m, i, j])) for m in range(k))
    return found


def baseline_by_loops(activation: np.ndarray, kind: str) -> np.ndarray:
    """Baseline: zeros, the mean of every feature map, or a blur by a Gaussian of a twentieth of
    each axis, at least one place.
    """
    if kind == "zero":
        return np.zeros(activation.shape)
    k, rows, columns = activation.shape
    found = np.zeros(activation.shape)
    for m in range(k):
        for i in range(rows):
            for j in range(columns):
                if kind == "mean":
                    found[m, i, j] = activation[m].astype(np.float64).mean()
                    continue
                total = share = 0.0
                high, wide = max(rows / 20, 1), max(columns / 20, 1)
                reach_i, reach_j = math.ceil(3 * high), math.ceil(3 * wide)
                for down in range(-reach_i, reach_i + 1):
                    for along in range(-reach_j, reach_j + 1):
                        weight = math.exp(-0.5 * ((down / high) ** 2 + (along / wide) ** 2))
                        a = min(max(i + down, 0), rows - 1)
                        b = min(max(j + along, 0), columns - 1)
                        total += weight * float(activation[m, a, b])
                        share += weight
                found[m, i, j] = total / share
    return found


def integrated_by_loops(activation: np.ndarray, slope, start: np.ndarray, steps: int) -> np.ndarray:
    """Sundararajan et al. 2017, equation 3 by the midpoint rule, summed over feature maps."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for step in range(steps):
        share = (step + 0.5) / steps
        gradient = slope(start + share * (activation.astype(np.float64) - start))
        for m in range(k):
            for i in range(rows):
                for j in range(columns):
                    way = float(activation[m, i, j]) - start[m, i, j]
                    found[i, j] += way * gradient[m, i, j] / steps
    return found


def gradients_by_loops(gradients, *, variance: bool) -> np.ndarray:
    """Smilkov et al. 2017 and Adebayo et al. 2018: mean or variance, then max over channels."""
    c, rows, columns = gradients[0].shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            values = []
            for m in range(c):
                own = [float(g[m, i, j]) for g in gradients]
                mean = math.fsum(own) / len(own)
                spread = math.fsum((g - mean) ** 2 for g in own) / len(own)
                values.append(spread if variance else abs(mean))
            found[i, j] = max(values)
    return found


def guided_by_loops(activation, slope, start, *, steps, anchors, share) -> np.ndarray:
    """Kapishnikov et al. 2021, algorithm 1, between anchors on the straight way; trapezoids."""
    shape = activation.shape
    first, last = np.float64(start).ravel(), np.float64(activation).ravel()
    x, total = first.copy(), np.zeros(first.size)
    many = max(round(share * first.size), 1)
    edges = [len(part) for part in np.array_split(np.arange(steps), min(anchors, steps))]
    done = 0
    for length in edges:
        done += length
        goal = first + done / steps * (last - first)
        whole = sum(abs(g - v) for g, v in zip(goal, x, strict=True))
        for step in range(1, length + 1):
            gradient, old = slope(x.reshape(shape)).ravel(), x.copy()
            wanted = whole * (1 - step / length)
            while True:
                left = sum(abs(g - v) for g, v in zip(goal, x, strict=True))
                if left <= wanted + 1e-12 * whole:
                    break
                away = [i for i in range(x.size) if abs(x[i] - goal[i]) > 1e-13]
                chosen = sorted(away, key=lambda i: abs(gradient[i]))[:many]
                theirs = sum(abs(goal[i] - x[i]) for i in chosen)
                part = min((left - wanted) / theirs, 1.0) if theirs else 0.0
                for i in chosen:
                    x[i] += part * (goal[i] - x[i])
                if part < 1:
                    break
            if step == length:
                x = goal.copy()
            after = slope(x.reshape(shape)).ravel()
            total += (gradient + after) / 2 * (x - old)
    return total.reshape(shape).sum(axis=0)


def gradient_by_loops(_: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Baehrens et al. 2010, the explanation vector, its channels added up pixel by pixel."""
    k, rows, columns = gradient.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            found[i, j] = math.fsum(float(gradient[m, i, j]) for m in range(k))
    return found
