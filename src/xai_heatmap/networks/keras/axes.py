"""Channel axis of the input of a Keras model, read from the configuration of its first layers."""

from collections.abc import Iterator
from typing import Any

import keras

from xai_heatmap.networks.opening.axes_found import UNSEEN, Consumed, linear_first

CONVOLUTION = ("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose",
               "Conv3DTranspose", "SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D",
               "DepthwiseConv2D", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")  # fmt: skip
LINEAR = ("Dense", "EinsumDense")
POOLS = ("GlobalAveragePooling1D", "GlobalMaxPooling1D", "AveragePooling1D", "MaxPooling1D")

MIXED = -1
"""Mark of an axis that a linear layer mixed from an axis of the input."""

FEATURES_LAST = ("Dense", "EinsumDense", "LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional",
                 "MultiHeadAttention")  # fmt: skip
KEEPS = ("InputLayer", "Rescaling", "Normalization", "Dropout", "GaussianNoise", "Masking",
         "Activation", "ReLU", "BatchNormalization", "LayerNormalization", "ZeroPadding1D",
         "ZeroPadding2D", "ZeroPadding3D", "SpatialDropout1D", "Identity")  # fmt: skip
"""Layers that keep every axis."""


def consumed(model: keras.Model, shape: tuple[int, ...]) -> Consumed:
    """Channel axis of an input of `shape`, where the first layers show the axis.

    Raises
    ------
    ValueError
        Where the first layers take no input of a single axis.
    """
    known: list[int | None] = list(range(len(shape)))
    lengths = list(shape)
    layers = _in_front(model)
    for layer in layers:
        kind = type(layer).__name__
        inside = layer.layer if kind == "TimeDistributed" else layer
        while isinstance(inside, keras.Sequential) and inside.layers:
            inside = inside.layers[0]
        name = type(inside).__name__
        if len(known) == 1 and (name in CONVOLUTION or isinstance(inside, keras.layers.RNN)):
            raise ValueError(f"{name} reads more than a row of features")
        if name in CONVOLUTION and len(known) > 1:
            last = getattr(inside, "data_format", "channels_last") != "channels_first"
            return _read(known, -1 if last else (1 if kind == "TimeDistributed" else 0))
        if name in LINEAR and len(known) == 2 and None not in known and min(lengths) > 1:
            return _linear(known, lengths, tuple(shape), layers)
        if name in FEATURES_LAST and len(known) > 1:
            return _read(known, -1)
        moved = _moved(layer, kind, known, lengths)
        if moved is None:
            return UNSEEN
        known, lengths = moved
    return UNSEEN


def _linear(
    known: list[int | None], lengths: list[int], shape: tuple[int, ...], rest: Iterator[keras.Layer]
) -> Consumed:
    """Channel axis of a signal whose first mixing layer is linear, by the layers behind that layer.

    Where Keras has its features, at the end, they are believed to be unless all layers are known
    and none of them reads the other axis as a sequence.
    """
    mixed, rows = known[-1] or 0, known[0] or 0
    usual, sequence, both = mixed == len(shape) - 1, False, False
    known, lengths = [rows, MIXED], [lengths[0], 0]
    for layer in rest:
        kind = type(layer).__name__
        if kind in CONVOLUTION or (kind in FEATURES_LAST and kind not in LINEAR):
            last = getattr(layer, "data_format", "channels_last") != "channels_first"
            both = known[-1 if last else 0] == rows
            sequence = not both
        elif kind in LINEAR:
            both = known[-1] == rows
            known = [known[0], MIXED]
        elif kind in POOLS:
            last = getattr(layer, "data_format", "channels_last") != "channels_first"
            sequence = usual and known[0 if last else 1] == rows
        elif kind != "Flatten":
            moved = None if kind == "Reshape" else _moved(layer, kind, known, lengths)
            sequence = usual and moved is None
            known, lengths = moved or ([], [])
        if sequence or both or len(known) < 2 or kind in (*POOLS, "Flatten"):
            break
    return linear_first(mixed, rows, shape, sequence=sequence, both=both)


def _in_front(model: keras.Model) -> Iterator[keras.Layer]:
    """Layers of a model from the input on, up to the first branch."""
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            yield from _in_front(layer) if isinstance(layer, keras.Model) else [layer]
        return
    if not isinstance(model, keras.Function) or len(model.inputs) != 1:
        return
    tensor: Any = model.inputs[0]
    while True:
        readers = [op for op in model.operations if tensor is _only_input(op)]
        if len(readers) != 1 or not isinstance(readers[0], keras.Layer):
            return
        if isinstance(readers[0], keras.Model):
            yield from _in_front(readers[0])
        else:
            yield readers[0]
        tensor = readers[0].output


def _only_input(operation: Any) -> Any:
    try:
        given = operation.input
    except (AttributeError, ValueError):
        return None
    return given if not isinstance(given, list | tuple | dict) else None


def _moved(
    layer: Any, kind: str, known: list[int | None], lengths: list[int]
) -> tuple[list[int | None], list[int]] | None:
    """Axes behind a layer and their lengths; None where the layer does not tell."""
    if kind in KEEPS:
        return known, lengths
    if kind == "Permute":
        order = [place - 1 for place in layer.dims]
        return [known[place] for place in order], [lengths[place] for place in order]
    if kind == "Reshape":
        target = list(layer.target_shape)
        long = [length for length in lengths if length != 1]
        if [length for length in target if length != 1] not in (long, [-1] * (len(long) == 1)):
            return None
        kept = iter([axis for axis, length in zip(known, lengths, strict=True) if length != 1])
        return [None if length == 1 else next(kept) for length in target], target
    return None


def _read(known: list[int | None], place: int) -> Consumed:
    return Consumed(certain=True, channel=known[place])
