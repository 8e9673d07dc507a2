"""Class activation maps: a weight for each feature map, and their sum."""

import math

import numpy as np


def gradcam_by_loops(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Selvaraju et al. 2017, equations 1 and 2, one place at a time, in double precision."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            total = 0.0
            for m in range(k):
                alpha = 0.0
                for a in range(rows):
                    for b in range(columns):
                        alpha += float(gradient[m, a, b])
                total += alpha / (rows * columns) * float(activation[m, i, j])
            found[i, j] = max(total, 0.0)
    return found


def hirescam_by_loops(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Draelos and Carin 2020, the sum before its ReLU."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for m in range(k):
                found[i, j] += float(gradient[m, i, j]) * float(activation[m, i, j])
    return found


def layercam_by_loops(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Jiang et al. 2021: every place weighted by its own positive gradient."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            total = 0.0
            for m in range(k):
                total += max(float(gradient[m, i, j]), 0.0) * float(activation[m, i, j])
            found[i, j] = max(total, 0.0)
    return found


def eigencam_by_decomposition(activation: np.ndarray) -> np.ndarray:
    """Muhammad and Yeasin 2020 by a whole singular value decomposition; its sign is left open."""
    rows = activation.reshape(len(activation), -1).astype(np.float64)
    u, _, _ = np.linalg.svd(rows, full_matrices=False)
    return (rows.T @ u[:, 0]).reshape(activation.shape[1:])


def gradcam_pp_by_loops(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Chattopadhay et al. 2018, equations 5 and 19 as printed; ΣA no less than 0."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for m in range(k):
        total = max(math.fsum(float(a) for a in activation[m].ravel()), 0.0)
        weight = 0.0
        for i in range(rows):
            for j in range(columns):
                g = float(gradient[m, i, j])
                if g > 0:
                    weight += g**2 / (2 * g**2 + total * g**3) * g
        for i in range(rows):
            for j in range(columns):
                found[i, j] += weight * float(activation[m, i, j])
    return np.maximum(found, 0)


def xgradcam_by_loops(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Fu et al. 2020, equation 7; feature maps whose places cancel out are left out."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for m in range(k):
        values = [float(a) for a in activation[m].ravel()]
        total = math.fsum(values)
        if abs(total) <= 1e-3 * math.fsum(map(abs, values)):
            continue
        weight = 0.0
        for i in range(rows):
            for j in range(columns):
                weight += float(activation[m, i, j]) / total * float(gradient[m, i, j])
        for i in range(rows):
            for j in range(columns):
                found[i, j] += weight * float(activation[m, i, j])
    return np.maximum(found, 0)


def fem_by_loops(activation: np.ndarray, sigmas: float) -> np.ndarray:
    """Fuad et al. 2020: where a feature map exceeds its mean by some deviations, its mean."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for m in range(k):
        values = [float(a) for a in activation[m].ravel()]
        mean = math.fsum(values) / len(values)
        deviation = math.sqrt(math.fsum((a - mean) ** 2 for a in values) / len(values))
        for i in range(rows):
            for j in range(columns):
                if deviation > 0 and float(activation[m, i, j]) >= mean + sigmas * deviation:
                    found[i, j] += mean
    return found


def kpcacam_by_decomposition(activation: np.ndarray, gamma: float) -> np.ndarray:
    """Kernel PCA as textbooks write it: kernel by loops, centred by matrices; sign left open."""
    places = activation.reshape(len(activation), -1).T.astype(np.float64)
    n = len(places)
    squared = np.array([[((a - b) ** 2).sum() for a in places] for b in places])
    kernel = np.exp(-gamma * squared / squared.mean())
    centring = np.eye(n) - np.ones((n, n)) / n
    values, vectors = np.linalg.eigh(centring @ kernel @ centring)
    return (np.sqrt(values[-1]) * vectors[:, -1]).reshape(activation.shape[1:])


def cam_by_loops(activation: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Zhou et al. 2016, equation 2: the classifier's own weights over the grid."""
    k, rows, columns = activation.shape
    found = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for m in range(k):
                found[i, j] += float(weights[m]) * float(activation[m, i, j])
    return found


def factors_by_loops(rows, kinds, places, rounds):
    """Cichocki and Phan 2009, algorithm 2 (HALS), entry by entry."""
    kinds, places = kinds.copy(), places.copy()
    (k, many), parts = rows.shape, places.shape[0]
    for _ in range(rounds):
        for p in range(parts):
            length = math.fsum(kinds[m, p] ** 2 for m in range(k))
            for j in range(many if length else 0):
                missing = [rows[m, j] - kinds[m] @ places[:, j] for m in range(k)]
                step = math.fsum(kinds[m, p] * missing[m] for m in range(k)) / length
                places[p, j] = max(places[p, j] + step, 0.0)
        for p in range(parts):
            length = math.fsum(places[p, j] ** 2 for j in range(many))
            for m in range(k if length else 0):
                missing = [rows[m, j] - kinds[m] @ places[:, j] for j in range(many)]
                step = math.fsum(places[p, j] * missing[j] for j in range(many)) / length
                kinds[m, p] = max(kinds[m, p] + step, 0.0)
    return kinds, places


def shapleycam_by_loops(activation: np.ndarray, gradient: np.ndarray, hessian) -> np.ndarray:
    """Cai 2025: weights are means of the gradient less half of the whole Hessian times A."""
    k, rows, columns = activation.shape
    values = activation.astype(np.float64).ravel()
    found = np.zeros((rows, columns))
    for m in range(k):
        weight = 0.0
        for i in range(rows):
            for j in range(columns):
                place = (m * rows + i) * columns + j
                bent = math.fsum(
                    hessian[place, other] * values[other] for other in range(len(values))
                )
                weight += (float(gradient[m, i, j]) - bent / 2) / (rows * columns)
        for i in range(rows):
            for j in range(columns):
                found[i, j] += weight * float(activation[m, i, j])
    return np.maximum(found, 0)


def smooth_gradcam_pp_by_loops(activation: np.ndarray, gradients) -> np.ndarray:
    """Omeiza et al. 2019, equations 4 and 8, with D₂ in the numerator; ΣA no less than 0."""
    k, rows, columns = activation.shape
    n, found = len(gradients), np.zeros((rows, columns))
    for m in range(k):
        total = max(math.fsum(float(a) for a in activation[m].ravel()), 0.0)
        weight = 0.0
        for i in range(rows):
            for j in range(columns):
                own = [float(g[m, i, j]) for g in gradients]
                first, second, third = (math.fsum(g**p for g in own) / n for p in (1, 2, 3))
                if second > 0 and 2 * second + total * third > 0:
                    weight += second / (2 * second + total * third) * max(first, 0.0)
        for i in range(rows):
            for j in range(columns):
                found[i, j] += weight * float(activation[m, i, j])
    return np.maximum(found, 0)
