"""Layout of layers in networks for signals, where the shape alone can't tell.

A picture's grid shows itself by its two even sides. A signal's has one, and (n, 64, 250) may be 64
feature maps of 250 samples or 64 places of 250 features.
"""

from collections.abc import Collection, Mapping, Sequence

from xai_heatmap.core.layers.layout import MOST_PREFIX_TOKENS, Layout

Inner = tuple[int, int]
"""A layer's own shape without the image axis."""

CONVOLVES = ("conv", "pool", "batchnorm", "batchnormalization", "pad", "upsampl", "resize")
"""Parts of a name of what keeps the channels where the network has them."""

RECURS = ("lstm", "gru", "rnn")
MIXES = ("linear", "dense", "layernorm", "rmsnorm", "matmul", "gemm", *RECURS)
ATTENDS = ("attention", "encoder", "transformer", "embedding")
"""Parts of a name of what has its features last, in every framework."""


def signal_layout(
    inner: Inner,
    *,
    kind: str,
    channels_last: bool,
    read: Mapping[Inner, Layout],
    lengths: Collection[int],
) -> Layout:
    """Layout of a layer's output in a network for signals.

    Convolutions have their channels where the network has them; linear layers, recurrent ones and
    attention have features last. Anything else is read as what had the same shape before, or, where
    that is the shape the other way round, the other way round.

    Parameters
    ----------
    inner
        Of the output, without the image axis.
    kind
        The class of the part, or the operator.
    channels_last
        Of the network's input.
    read
        The layers before, the latest for each shape.
    lengths
        Of the grids before, the signal's own first.
    """
    said = kind.casefold()
    if not convolves(kind):
        if any(word in said for word in (*MIXES, *ATTENDS)):
            return _features_last(inner, lengths)
        if inner in read:
            return read[inner]
        turned = read.get((inner[1], inner[0]))
        if turned is not None and not turned.prefix:
            return _read(inner, last=turned.kind == "channels_first")
    return _read(inner, last=channels_last)


def _features_last(inner: Inner, lengths: Collection[int]) -> Layout:
    """Tokens of the grid that misses the fewest; features first where only they can be."""
    before = [inner[0] - length for length in lengths]
    prefix = min((tokens for tokens in before if 0 <= tokens <= MOST_PREFIX_TOKENS), default=None)
    if prefix is None and inner[1] in lengths:
        return _read(inner, last=False)
    return Layout("tokens", (inner[0] - prefix,), prefix) if prefix else _read(inner, last=True)


def _read(inner: Sequence[int], *, last: bool) -> Layout:
    return Layout("channels_last", (inner[0],)) if last else Layout("channels_first", (inner[1],))


def convolves(kind: str) -> bool:
    """Whether a part of that name keeps the channels where the network has them.

    >>> convolves("Conv2d"), convolves("ConvNextLayerNorm")
    (True, False)
    """
    said = kind.casefold()
    others = ("layernorm", "rmsnorm", "linear", "dense")
    return any(word in said for word in CONVOLVES) and not any(word in said for word in others)
