"""The rules, one file per family. Importing this package registers them all."""

from xai_heatmap.networks.onnx.autodiff.operators import (
    activation,
    arithmetic,
    arrangement,
    convolution,
    linear,
    normalisation,
    pooling,
    quantisation,
    reduction,
    regions,
    resize,
    sampling,
    selection,
)

__all__ = [
    "activation",
    "arithmetic",
    "arrangement",
    "convolution",
    "linear",
    "normalisation",
    "pooling",
    "quantisation",
    "reduction",
    "regions",
    "resize",
    "sampling",
    "selection",
]
