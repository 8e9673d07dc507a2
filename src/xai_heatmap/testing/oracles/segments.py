"""XRAI: a picture cut into segments, and the segments in their order."""

import math

import numpy as np


def smoothed_by_loops(picture: np.ndarray) -> np.ndarray:
    """Under 1/4, 1/2, 1/4 along both axes, but none with less than half the places of the other;
    beyond its edges it goes on as it ends.
    """
    _, rows, columns = picture.shape
    found = np.zeros(picture.shape)
    bell, sharp = ((-1, 0.25), (0, 0.5), (1, 0.25)), ((0, 1.0),)
    for i in range(rows):
        for j in range(columns):
            for down, high in bell if rows / columns >= 1 / 2 else sharp:
                for along, wide in bell if columns / rows >= 1 / 2 else sharp:
                    a = min(max(i + down, 0), rows - 1)
                    b = min(max(j + along, 0), columns - 1)
                    found[:, i, j] += high * wide * picture[:, a, b]
    return found


def edges_by_loops(colours: np.ndarray) -> list[tuple[float, int, int]]:
    """Neighbours below and beside every place, the most alike first."""
    _, rows, columns = colours.shape
    edges = []
    for i in range(rows):
        for j in range(columns):
            for a, b in ((i + 1, j), (i, j + 1)):
                if a < rows and b < columns:
                    far = math.sqrt(((colours[:, i, j] - colours[:, a, b]) ** 2).sum())
                    edges.append((far, i * columns + j, a * columns + b))
    return sorted(edges)


def segments_by_loops(picture, scale, fewest) -> list[set[int]]:
    """Felzenszwalb and Huttenlocher 2004, algorithm 1, with sets; then small regions are joined."""
    k, rows, columns = picture.shape
    ranged = picture.astype(np.float64) * 2 / float(np.ptp(picture)) * math.sqrt(3 / k)
    edges = edges_by_loops(smoothed_by_loops(ranged))
    regions = [({place}, 0.0) for place in range(rows * columns)]
    for small in (False, True):
        for far, one, other in edges:
            a = next(own for own in regions if one in own[0])
            b = next(own for own in regions if other in own[0])
            alike = all(far <= inner + scale / len(own) for own, inner in (a, b))
            tiny = min(len(a[0]), len(b[0])) < fewest
            if a is not b and (tiny if small else alike):
                regions = [own for own in regions if own is not a and own is not b]
                regions.append((a[0] | b[0], max(far, a[1], b[1])))
    return [own for own, _ in regions]


def xrai_by_loops(added, segmentations, around, fewest) -> np.ndarray:
    """Kapishnikov et al. 2019, algorithm 1; slivers of less than `fewest` places share a mean."""
    rows, columns = added.shape
    regions = []
    for segmentation in segmentations:
        for region in segmentation:
            wide = set()
            for place in region:
                i, j = divmod(place, columns)
                for a in range(max(i - around, 0), min(i + around, rows - 1) + 1):
                    for b in range(max(j - around, 0), min(j + around, columns - 1) + 1):
                        wide.add(a * columns + b)
            regions.append(wide)
    found, free = np.zeros(rows * columns), set(range(rows * columns))
    values = added.astype(np.float64).ravel()
    while free:
        gains = [
            math.fsum(values[p] for p in region & free) / len(region & free)
            if len(region & free) >= fewest
            else -math.inf
            for region in regions
        ]
        if max(gains) == -math.inf:
            for place in free:
                found[place] = math.fsum(values[p] for p in free) / len(free)
            break
        best = max(range(len(gains)), key=lambda place: gains[place])
        for place in regions[best] & free:
            found[place] = gains[best]
        free -= regions[best]
    return found.reshape(rows, columns)
