"""Channels of a layer, those that matter most for what is explained first."""

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.errors import BadOption, NoRule
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.shapes import Float32
from xai_heatmap.runners.looking.asked import Asked
from xai_heatmap.runners.looking.look import at_work, grid_of
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.packet import Payload, packet
from xai_heatmap.runners.looking.pictures import Picture

PAGE, MOST = 64, 256
"""Channels of a page, and the most that are sent at once."""

SEEN = "eigencam"
"""Method by which the layer is opened: it takes the activation alone, so any network has it."""


def contributions(activation: Activation, gradient: Activation) -> Float32[np.ndarray, " k"]:
    """Σ over places of ∂y/∂A_k ⊙ A_k, one number a channel: what it adds to the score, as far as
    the score is linear in it.

    >>> one = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> contributions(one, np.array([[[1, 1]], [[-1, -2]]], np.float32)).tolist()
    [3.0, -3.0]
    """
    flat = activation.reshape(len(activation), -1), gradient.reshape(len(gradient), -1)
    return np.einsum("kp,kp->k", *flat).astype(np.float32)


def channels(
    model: Model, picture: Picture, asked: Asked, *, page: int = 0, size: int = PAGE
) -> bytes:
    """A packet of channels of one layer, the largest contribution first, whichever sign it has.

    Raises
    ------
    BadOption
        For a page or a size that is none.
    """
    if page < 0 or not 1 <= size <= MOST:
        raise BadOption(f"A page counts from 0, and its size from 1 to {MOST}.")
    if len(asked.layers) != 1:
        raise BadOption("Channels are those of one layer; name it with layer=.")
    with at_work(model, None) as passes:
        layer, activation, gradient = _opened(model, picture, asked)
    worth = (
        contributions(activation, gradient)
        if gradient is not None
        else activation.reshape(len(activation), -1).mean(1)
    )
    order = np.argsort(-np.abs(worth), kind="stable")
    payload = Payload()
    shown = order[page * size : (page + 1) * size]
    header: dict[str, object] = {
        "picture": picture.key,
        "model": model.key,
        "layer": layer,
        "total": len(order),
        "page": page,
        "size": size,
        "shape": list(activation.shape[1:]),
        "ranked_by": "contribution" if gradient is not None else "mean activation",
        "passes": passes.forward,
        "channels": [
            {"index": int(one), "contribution": float(worth[one]), **payload.add(activation[one])}
            for one in shown
        ],
    }
    return packet(header, payload)


def _opened(
    model: Model, picture: Picture, asked: Asked
) -> tuple[str, Activation, Activation | None]:
    """The layer's name, what it said, and the gradient where the network has any."""
    grid = grid_of(model, picture, Asked(SEEN, asked.target, asked.against))
    question = grid.opened([SEEN], list(asked.layers))[0]
    (layer,) = select(question.survey, list(asked.layers))
    try:
        known = question.evidence(layer, {"activation", "gradient"})
    except NoRule:
        known = question.evidence(layer, {"activation"})
    assert known.activation is not None  # noqa: S101 - it was asked for
    return layer, known.activation, known.gradient
