"""Held inputs as inputs of a TensorFlow graph, so that one graph serves all values."""

from collections.abc import Sequence

import tensorflow as tf

from xai_heatmap.networks.opening.interfaces import Adapter


def specs(adapter: Adapter, images: int | None) -> list[tf.TensorSpec]:
    """Of every array that is held, for so many images."""
    rows = len(adapter.held.rows)
    return [
        tf.TensorSpec(
            (images, *array.shape[1:]) if place < rows and len(array) > 1 else array.shape,
            array.dtype,
        )
        for place, array in enumerate(adapter.held.arrays)
    ]


def fed(adapter: Adapter) -> list[tf.Tensor]:
    """Held arrays as tensors to feed a graph."""
    return [tf.constant(array) for array in adapter.held.arrays]


def holding(adapter: Adapter, tensors: Sequence[tf.Tensor]) -> Adapter:
    """The model with a graph's own tensors in place of the arrays."""
    return adapter.holding(adapter.held.with_arrays(tensors)) if adapter.held else adapter
