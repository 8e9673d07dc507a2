"""Deep feature factorisation: a layer as a few parts, each with its place and its weight."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.core.shapes import Float64

Rows = Float64[np.ndarray, "k places"]
Kinds = Float64[np.ndarray, "k parts"]
Places = Float64[np.ndarray, "parts places"]

ROUNDS = 200
"""Of hierarchical alternating least squares; the factors hardly move after it."""


@method(
    cite="collins2018dff",
    use_when="you ask which parts a late layer tells apart: an object and its surroundings, a head "
    "and a body; early layers tell edges and backgrounds apart",
    signed=True,
    passes="`parts` through the head, and the whole",
)
def feature_factors(
    activation: Activation,
    head: Scored,
    *,
    parts: Annotated[int, Within(1, 32)] = 4,
    part: Annotated[int, Within(1, 32)] = 1,
    seed: Annotated[int, Within(0)] = 0,
) -> MethodResult:
    """(y(A) - y(A - w_p h_p)) h_p / Σ h_p,  ReLU(A) ≈ Σ_p w_p h_p, with no w, h below 0.

    h_p says where part p is, w_p what the feature maps say of it; the factors that lie nearest to
    ReLU(A) by squares, from a start drawn by `seed`. The paper looks at all h_p of a few pictures
    at once; a map is one number a place, so this is one of `parts` of one picture, and what the
    score loses without it is shared out over its places. ``part=1`` is the part that adds most,
    the last one that which adds least or speaks against. The verdict holds the `score added` by
    the part, and which share of ReLU(A) is `explained` by all parts. Where parts share features
    their factors are not unique: another `seed` may cut the layer differently, and just as well.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[4, 2, 0, 0]], [[0, 0, 0, 3]]], np.float32)
    >>> head = lambda many: np.array([a[0].sum() + 3 * a[1].sum() for a in many])
    >>> feature_factors(activation, head, parts=2).map.round(2)
    array([[0., 0., 0., 9.]], dtype=float32)
    >>> feature_factors(activation, head, parts=2, part=2).map.round(2)
    array([[4., 2., 0., 0.]], dtype=float32)
    """
    if part > parts:
        raise BadOption(
            f"feature_factors was asked for part {part} of {parts}. Take a part of at most `parts`."
        )
    rows = np.maximum(activation.reshape(len(activation), -1), 0).astype(np.float64)
    kinds, places = _factors(rows, parts, np.random.default_rng(seed))
    whole, *values = head(_without(activation, kinds, places))
    losses = float(whole) - np.array(values, np.float64)
    chosen = int(np.argsort(-losses, kind="stable")[part - 1])
    where = places[chosen]
    map_ = losses[chosen] * where / max(where.sum(), np.finfo(np.float64).tiny)
    missing = ((rows - kinds @ places) ** 2).sum() / max((rows**2).sum(), np.finfo(float).tiny)
    return MethodResult(
        map_.reshape(activation.shape[1:]).astype(np.float32),
        {"score added": float(losses[chosen]), "explained": float(1 - missing)},
    )


def _factors(rows: Rows, parts: int, random: np.random.Generator) -> tuple[Kinds, Places]:
    """The nearest product, one column and one row at a time, each the best that is not negative."""
    size = np.sqrt(rows.mean() / parts)
    kinds = size * random.uniform(0.5, 1.5, (len(rows), parts))
    places = size * random.uniform(0.5, 1.5, (parts, rows.shape[1]))
    for _ in range(ROUNDS):
        places = _nearer(places, kinds.T @ rows, kinds.T @ kinds)
        kinds = _nearer(kinds.T, places @ rows.T, places @ places.T).T
    return kinds, places


def _nearer(factors: Places, wanted: Places, gram: Float64[np.ndarray, "parts parts"]) -> Places:
    """Each row the best that is not negative, given the others."""
    factors = factors.copy()
    for p in np.flatnonzero(np.diag(gram)):
        rest = wanted[p] - gram[p] @ factors + gram[p, p] * factors[p]
        factors[p] = np.maximum(rest / gram[p, p], 0)
    return factors


def _without(activation: Activation, kinds: Kinds, places: Places) -> Iterator[Activation]:
    """The whole, then all but each part."""
    yield activation
    for kind, where in zip(kinds.T, places, strict=True):
        own = np.outer(kind, where).reshape(activation.shape)
        yield activation - own.astype(np.float32)
