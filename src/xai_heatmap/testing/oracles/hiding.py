"""Maps by trying: something is hidden, and the score is looked at."""

import math

import numpy as np

from xai_heatmap.testing.oracles.gradients import baseline_by_loops
from xai_heatmap.testing.oracles.pictures import drawn_out_by_loops


def ablationcam_by_loops(activation: np.ndarray, score, fill: str) -> np.ndarray:
    """Desai and Ramaswamy 2020: one feature map at a time is taken away; divided by |y|."""
    k, rows, columns = activation.shape
    whole = score(activation)
    found = np.zeros((rows, columns))
    for m in range(k):
        changed = activation.astype(np.float64)
        changed[m] = 0 if fill == "zero" else changed[m].mean()
        weight = (whole - score(changed)) / abs(whole)
        for i in range(rows):
            for j in range(columns):
                found[i, j] += weight * float(activation[m, i, j])
    return np.maximum(found, 0)


def reciprocam_by_loops(activation: np.ndarray, score, *, gaussian: bool) -> np.ndarray:
    """Byun and Lee 2022: the score of every place alone, less that of none."""
    k, rows, columns = activation.shape
    weights = [[1, 2, 1], [2, 4, 2], [1, 2, 1]] if gaussian else [[0, 0, 0], [0, 16, 0], [0, 0, 0]]
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            kept = np.zeros(activation.shape)
            for down in (-1, 0, 1):
                for along in (-1, 0, 1):
                    a, b = i + down, j + along
                    if 0 <= a < rows and 0 <= b < columns:
                        for m in range(k):
                            share = weights[down + 1][along + 1] / 16
                            kept[m, a, b] = share * float(activation[m, a, b])
            found[i, j] = score(kept) - score(np.zeros(activation.shape))
    return found


def occlusion_by_loops(
    picture: np.ndarray, score, cover: np.ndarray, *, window: int, stride: int
) -> np.ndarray:
    """Zeiler and Fergus 2014: for every place, the mean loss of the windows over it."""
    _, rows, columns = picture.shape
    losses = [[[] for _ in range(columns)] for _ in range(rows)]

    def starts(length):
        last, here = max(length - window, 0), 0
        while here < last:
            yield here
            here += stride
        yield last

    for top in starts(rows):
        for left in starts(columns):
            changed = picture.astype(np.float64)
            covered = [
                (i, j)
                for i in range(top, min(top + window, rows))
                for j in range(left, min(left + window, columns))
            ]
            for i, j in covered:
                changed[:, i, j] = cover[:, i, j]
            loss = score(picture) - score(changed)
            for i, j in covered:
                losses[i][j].append(loss)
    return np.array([[math.fsum(own) / len(own) for own in row] for row in losses])


def rise_by_loops(masks, scores) -> np.ndarray:
    """Petsiuk et al. 2018, equation 6, with Σ M_i for N·E[M], less the mean score."""
    rows, columns = masks[0].shape
    mean = math.fsum(scores) / len(scores)
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            total = visible = 0.0
            for mask, score in zip(masks, scores, strict=True):
                total += score * float(mask[i, j])
                visible += float(mask[i, j])
            found[i, j] = total / visible - mean if visible else 0.0
    return found


def masked_by_loops(image, activation, score, *, used, masks, factors=(1.0,)) -> np.ndarray:
    """Score-CAM's weights for any masks of each feature map: SS-CAM with noise on them, IS-CAM
    with the picture faded in by factors; no softmax.
    """
    found = np.zeros(activation.shape[1:])
    nothing = score(np.zeros(image.shape))
    for m in used:
        scores = []
        for mask in masks(m):
            low, high = float(mask.min()), float(mask.max())
            shown = drawn_out_by_loops((mask - low) / (high - low), *image.shape[1:])
            scores += [score(image * shown * factor) for factor in factors]
        weight = max(0.0, math.fsum(scores) / len(scores) - nothing)
        found += weight * activation[m].astype(np.float64)
    return np.maximum(found, 0)


def sobol_by_loops(one, other, score_of) -> list[float]:
    """Jansen 1999: the mean of squared differences when one block is drawn anew, over twice the
    variance of both designs.
    """
    before = [score_of(row) for row in one]
    all_of_them = before + [score_of(row) for row in other]
    mean = math.fsum(all_of_them) / len(all_of_them)
    variance = math.fsum((y - mean) ** 2 for y in all_of_them) / (len(all_of_them) - 1)
    found = []
    for cell in range(len(one[0])):
        total = 0.0
        for row, another, y in zip(one, other, before, strict=True):
            changed = list(row)
            changed[cell] = another[cell]
            total += (y - score_of(changed)) ** 2
        found.append(total / len(one) / (2 * variance))
    return found


def hsic_by_matrices(shown, scores) -> list[float]:
    """Novello et al. 2022, the estimator as printed, less its mean over permutations of scores."""
    n = len(scores)
    apart = [abs(a - b) for i, a in enumerate(scores) for b in scores[:i]]
    width = float(np.median(apart))
    kernel = np.array([[math.exp(-(((a - b) / width) ** 2) / 2) for a in scores] for b in scores])
    centring = np.eye(n) - np.ones((n, n)) / n
    found = []
    for cell in range(len(shown[0])):
        own = [float(row[cell]) for row in shown]
        alike = np.array([[0.5 - (a - b) ** 2 for a in own] for b in own])
        centred = centring @ alike @ centring
        chance = np.trace(centred) * np.trace(centring @ kernel @ centring) / (n - 1)
        trace = np.trace(alike @ centring @ kernel @ centring)
        found.append((trace - chance) / (n - 1) ** 2)
    return found


def scorecam_by_loops(
    image: np.ndarray, activation: np.ndarray, score, *, top: int, softmax=False, negative=False
) -> np.ndarray:
    """Wang et al. 2020, definition 3 (the increase, where it is one), algorithm 1 (its softmax)."""
    k, rows, columns = activation.shape
    spread = [float(np.std(activation[m].astype(np.float64))) for m in range(k)]
    used = sorted((m for m in range(k) if np.ptp(activation[m]) > 0), key=lambda m: -spread[m])
    used = used[:top] if top else used
    increases = []
    for m in used:
        low, high = float(activation[m].min()), float(activation[m].max())
        shown = drawn_out_by_loops((activation[m] - low) / (high - low), *image.shape[1:])
        increases.append(score(image * shown) - score(np.zeros(image.shape)))
    if softmax and increases:
        most = max(increases)
        powers = [math.exp(own - most) for own in increases]
        increases = [own / math.fsum(powers) for own in powers]
    elif not negative:
        increases = [own if own > 0 else 0.0 for own in increases]
    found = np.zeros((rows, columns))
    for m, weight in zip(used, increases, strict=True):
        found += weight * activation[m].astype(np.float64)
    return np.maximum(found, 0)


def groupcam_by_loops(evidence, score, *, groups: int, hidden: float) -> np.ndarray:
    """Zhang et al. 2021, equations 2 to 7, on the grid of the layer."""
    image, activation = (a.astype(np.float64) for a in (evidence.image, evidence.activation))
    k, rows, columns = activation.shape
    nothing = baseline_by_loops(evidence.image, "blur")
    found = np.zeros((rows, columns))
    groups = min(groups, k)
    sizes = [k // groups + (g < k % groups) for g in range(groups)]
    first = 0
    for size in sizes:
        total = np.zeros((rows, columns))
        for m in range(first, first + size):
            total += float(evidence.gradient[m].astype(np.float64).mean()) * activation[m]
        first += size
        total = np.maximum(total, 0)
        limit = np.percentile(total, 100 * hidden)
        total[total <= limit] = 0
        if total.max() == total.min():
            continue
        mask = (total - total.min()) / (total.max() - total.min())
        shown = drawn_out_by_loops(mask, *image.shape[1:])
        found += (score(image * shown + nothing * (1 - shown)) - score(nothing)) * mask
    return np.maximum(found, 0)


def losses_by_loops(picture: np.ndarray, score, cover: np.ndarray, masks, channels) -> list[float]:
    """Loss of the score without each region, in these channels alone, place by place."""
    _, rows, columns = picture.shape
    found = []
    for mask in masks:
        changed = picture.astype(np.float64)
        for m in channels:
            for i in range(rows):
                for j in range(columns):
                    share = float(mask[i, j])
                    own, other = float(picture[m, i, j]), float(cover[m, i, j])
                    changed[m, i, j] = (1 - share) * own + share * other
        found.append(score(picture) - score(changed))
    return found


def spread_by_loops(values, masks) -> np.ndarray:
    """Each region's value at its places, the mean by coverage where several lie over one."""
    _, rows, columns = masks.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            shares = [float(mask[i, j]) for mask in masks]
            if sum(shares):
                found[i, j] = sum(s * v for s, v in zip(shares, values, strict=True)) / sum(shares)
    return found
