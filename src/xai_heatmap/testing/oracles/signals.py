"""A small network over a signal, forwards and backwards, one number at a time."""

import numpy as np


def convolved_by_loops(x, kernel, bias) -> np.ndarray:
    """Signal (k, t) through a kernel (out, k, window) of odd length, zeros beyond both ends."""
    features, _, window = kernel.shape
    length, half = x.shape[1], window // 2
    found = np.zeros((features, length))
    for m in range(features):
        for t in range(length):
            found[m, t] = float(bias[m])
            for c in range(len(x)):
                for step in range(window):
                    at = t + step - half
                    if 0 <= at < length:
                        found[m, t] += float(kernel[m, c, step]) * float(x[c, at])
    return found


def sent_back_by_loops(slope, kernel) -> np.ndarray:
    """Gradient (k, t) before such a kernel, from the one (out, t) behind it."""
    features, channels, window = kernel.shape
    length, half = slope.shape[1], window // 2
    found = np.zeros((channels, length))
    for m in range(features):
        for t in range(length):
            for step in range(window):
                at = t + step - half
                if 0 <= at < length:
                    for c in range(channels):
                        found[c, at] += float(slope[m, t]) * float(kernel[m, c, step])
    return found


def small_signal_by_loops(own, x, index: int) -> tuple[np.ndarray, dict, dict]:
    """The network of `testing.networks.axes` over one signal (c, t).

    Answers scores, and by layer (``input``, ``conv``, ``last``) the activation and the gradient of
    the score of a class.
    """
    conv = convolved_by_loops(x, own.first, own.first_bias)
    bent = np.maximum(conv, 0)
    pooled = np.zeros((len(bent), bent.shape[1] // 2))
    winner = np.zeros(pooled.shape, int)
    for m, t in np.ndindex(*pooled.shape):
        winner[m, t] = 2 * t if bent[m, 2 * t] >= bent[m, 2 * t + 1] else 2 * t + 1
        pooled[m, t] = bent[m, winner[m, t]]
    last = convolved_by_loops(pooled, own.second, own.second_bias)
    length = last.shape[1]
    means = [sum(max(v, 0.0) for v in row) / length for row in last]
    scores = own.linear_bias.astype(np.float64)
    for k, m in np.ndindex(*own.linear.shape):
        scores[k] += float(own.linear[k, m]) * means[m]
    to_last = np.zeros(last.shape)
    for m, t in np.ndindex(*last.shape):
        to_last[m, t] = float(own.linear[index, m]) / length if last[m, t] > 0 else 0.0
    to_pooled, to_conv = sent_back_by_loops(to_last, own.second), np.zeros(conv.shape)
    for m, t in np.ndindex(*pooled.shape):
        if conv[m, winner[m, t]] > 0:
            to_conv[m, winner[m, t]] = to_pooled[m, t]
    slopes = {"input": sent_back_by_loops(to_conv, own.first), "conv": to_conv, "last": to_last}
    return scores, {"input": x, "conv": conv, "last": last}, slopes
