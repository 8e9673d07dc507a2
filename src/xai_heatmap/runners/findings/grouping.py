"""Groups of pieces that look alike to the network, and lie alike."""

import numpy as np

LENGTH = 64
"""Numbers that what lies under a piece is described by."""

PLACE = 0.1
"""Weight of where a piece lies beside what it shows."""

MOST = 6
"""Groups of one class."""

APART = 0.25
"""Silhouette that a parting has to reach; below that all pieces are one group."""

NEARLY = 0.65
"""Share of the best parting's silhouette that a finer one has to reach: what is parted too finely
is shown twice, what is not parted is tested together with something else."""


def projected(features: np.ndarray) -> np.ndarray:
    """Feature vectors (n, k) of length 1, in so many directions at most that a class's pieces fit
    into memory: random ones, the same in every process (Johnson and Lindenstrauss 1984).
    """
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    own = np.divide(features, norms, out=np.zeros_like(features, dtype=float), where=norms > 0)
    if own.shape[1] <= LENGTH:
        return own
    directions = np.random.default_rng(0).standard_normal((own.shape[1], LENGTH))
    return own @ directions / np.sqrt(LENGTH)


def groups(descriptors: np.ndarray, middles: np.ndarray, *, least: int = 1) -> np.ndarray:
    """Number of the group of each piece.

    Ward's tree over the descriptors and, with less weight, the places; cut as finely as the mean
    silhouette allows.

    Parameters
    ----------
    descriptors
        As of `projected`, (n, d).
    middles
        Of the pieces' windows, as shares of the grid, (n, 2).
    least
        Pieces of a group below which it is of no use: no parting counts that leaves most pieces in
        such groups.
    """
    points = np.concatenate([descriptors, PLACE * middles], axis=1)
    count = len(points)
    if count < 3:
        return np.zeros(count, int)
    squared = ((points[:, None] - points[None]) ** 2).sum(-1) if count < 64 else _squared(points)
    merges = _tree(squared)
    far = np.sqrt(squared)
    cuts = [(number, _cut(merges, count, number)) for number in range(2, min(MOST, count - 1) + 1)]
    values = [_silhouette(far, cut, number) for number, cut in cuts]
    enough = max(APART, NEARLY * max(values, default=0))
    fine = [
        cut
        for (_, cut), value in zip(cuts, values, strict=True)
        if value >= enough and _useful(cut, least)
    ]
    return fine[-1] if fine else np.zeros(count, int)


def _useful(cut: np.ndarray, least: int) -> bool:
    sizes = np.bincount(cut)
    return 2 * int(sizes[sizes >= least].sum()) > len(cut)


def _squared(points: np.ndarray) -> np.ndarray:
    lengths = (points**2).sum(1)
    found = np.maximum(lengths[:, None] + lengths[None] - 2 * points @ points.T, 0)
    np.fill_diagonal(found, 0)
    return found


def _tree(squared: np.ndarray) -> list[tuple[float, int, int]]:
    """Ward's merges with their heights, by chains of nearest neighbours; a group is named by one of
    its pieces.
    """
    count = len(squared)
    far = squared.copy()
    np.fill_diagonal(far, np.inf)
    sizes, alive = np.ones(count), np.ones(count, bool)
    merges: list[tuple[float, int, int]] = []
    chain: list[int] = []
    while len(merges) < count - 1:
        if not chain:
            chain.append(int(np.flatnonzero(alive)[0]))
        last = chain[-1]
        row = np.where(alive, far[last], np.inf)
        near = int(row.argmin())
        if len(chain) > 1 and row[chain[-2]] <= row[near]:
            near = chain[-2]
        if len(chain) < 2 or near != chain[-2]:
            chain.append(near)
            continue
        del chain[-2:]
        height = float(far[last, near])
        merges.append((height, last, near))
        total = sizes[last] + sizes[near] + sizes
        new = (sizes[last] + sizes) * far[last] + (sizes[near] + sizes) * far[near]
        new = (new - sizes * height) / total
        far[last], far[:, last] = new, new
        far[last, last] = np.inf
        sizes[last] += sizes[near]
        alive[near] = False
    return merges


def _cut(merges: list[tuple[float, int, int]], count: int, number: int) -> np.ndarray:
    """Groups after all merges but the highest ones."""
    parents = list(range(count))

    def root(one: int) -> int:
        while parents[one] != one:
            one = parents[one]
        return one

    for _, one, other in sorted(merges, key=lambda own: own[0])[: count - number]:
        parents[root(other)] = root(one)
    roots = [root(one) for one in range(count)]
    names = {name: place for place, name in enumerate(dict.fromkeys(roots))}
    return np.array([names[one] for one in roots])


def _silhouette(far: np.ndarray, cut: np.ndarray, number: int) -> float:
    """Mean of (b - a) / max(a, b): a is the mean distance to one's own group, b to the nearest
    other one (Rousseeuw 1987).
    """
    member = np.eye(number)[cut]
    sizes = member.sum(0)
    means = far @ member
    own = sizes[cut]
    inside = means[np.arange(len(cut)), cut] / np.maximum(own - 1, 1)
    others = means / sizes
    others[np.arange(len(cut)), cut] = np.inf
    outside = others.min(1)
    value = np.where(
        own > 1, (outside - inside) / np.maximum(np.maximum(inside, outside), 1e-12), 0
    )
    return float(value.mean())
