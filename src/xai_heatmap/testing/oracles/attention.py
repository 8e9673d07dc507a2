"""Attention, rolled out and weighed by gradients, and a small transformer in plain numbers."""

import math

import numpy as np


def rollout_by_loops(weights, read, places: int) -> np.ndarray:
    """Abnar and Zuidema: Ã(block) = A̅ Ã(block before), A̅ = ½ (mean over heads + 1)."""
    tokens = len(read)
    flow = [[float(i == j) for j in range(tokens)] for i in range(tokens)]
    for block in weights:
        heads = len(block)
        mixed = [
            [
                0.5 * sum(float(block[h][i][j]) for h in range(heads)) / heads + 0.5 * (i == j)
                for j in range(tokens)
            ]
            for i in range(tokens)
        ]
        flow = [
            [sum(mixed[i][m] * flow[m][j] for m in range(tokens)) for j in range(tokens)]
            for i in range(tokens)
        ]
    return _rows_read(flow, read, places)


def attention_relevance_by_loops(weights, gradients, read, places: int) -> np.ndarray:
    """Chefer et al., equations 5 and 6: R = R + E_h[(∇A ⊙ A)⁺] R from R = 1, which is taken off."""
    tokens = len(read)
    relevance = [[float(i == j) for j in range(tokens)] for i in range(tokens)]
    for block, slope in zip(weights, gradients, strict=True):
        heads = len(block)
        own = [
            [
                sum(max(float(slope[h][i][j] * block[h][i][j]), 0.0) for h in range(heads)) / heads
                for j in range(tokens)
            ]
            for i in range(tokens)
        ]
        relevance = [
            [
                relevance[i][j] + sum(own[i][m] * relevance[m][j] for m in range(tokens))
                for j in range(tokens)
            ]
            for i in range(tokens)
        ]
    for i in range(tokens):
        relevance[i][i] -= 1
    return _rows_read(relevance, read, places)


def _rows_read(matrix, read, places: int) -> np.ndarray:
    """The last columns of a matrix, in the mean of the rows that are read."""
    rows = [row for row, share in zip(matrix, read, strict=True) if share > 0]
    first = len(read) - places
    return np.array(
        [sum(row[column] for row in rows) / len(rows) for column in range(first, len(read))]
    )


def small_vit_by_loops(weights: dict, x, *, heads: int, patch: int, pool: str, frozen=None):
    """A small transformer in plain numbers: scores, attention and what is a constant for LibraGrad.

    `frozen` holds what a pass before has used for attention, deviations and gates; with it, the
    answer is an affine function of the picture.
    """
    used = {}

    def constant(name, value):
        used[name] = value if frozen is None or name not in frozen else frozen[name]
        return used[name]

    def norm(name, rows):
        centred = rows - rows.mean(-1, keepdims=True)
        deviation = constant(f"{name} σ", np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6))
        return centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(name, rows):
        return rows @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    _, height, width = x.shape
    rows = []
    for i in range(0, height, patch):
        for j in range(0, width, patch):
            kernel, window = weights["patches.weight"], x[None, :, i : i + patch, j : j + patch]
            rows.append((kernel * window).sum(axis=(1, 2, 3)) + weights["patches.bias"])
    x = np.array([weights["token"][0, 0], *rows]) + weights["position"][0]
    for number in range(2):
        name = f"blocks.{number}"
        mixed = linear(f"{name}.qkv", norm(f"{name}.norm1", x))
        query, key, value = (
            part.reshape(len(x), heads, -1).transpose(1, 0, 2) for part in np.split(mixed, 3, 1)
        )
        scores = query @ key.transpose(0, 2, 1) / query.shape[-1] ** 0.5
        likely = np.exp(scores - scores.max(-1, keepdims=True))
        attention = constant(f"{name} A", likely / likely.sum(-1, keepdims=True))
        mixed = (attention @ value).transpose(1, 0, 2).reshape(len(x), -1)
        x = x + linear(f"{name}.out", mixed)
        wide = linear(f"{name}.wide", norm(f"{name}.norm2", x))
        below = np.array([0.5 * (1 + math.erf(u / math.sqrt(2))) for u in wide.ravel()])
        gate = constant(f"{name} gate", below.reshape(wide.shape))
        x = x + linear(f"{name}.narrow", wide * gate)
    x = norm("norm", x)
    return linear("head", x[0] if pool == "token" else x[1:].mean(0)), used
