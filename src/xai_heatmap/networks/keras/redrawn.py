"""Copies of a Keras model with other weights."""

import copy
import re

import keras
import numpy as np

from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.redrawing import Draw
from xai_heatmap.networks.keras.structure import layers_in

STATISTICS = re.compile(r"moving_|seed|running_|iteration")
"""Variables that are counted rather than learnt."""


def redrawn(model: keras.Model, draw: Draw) -> keras.Model:
    """Copy of a model whose weights are those that `draw` answers; what is counted, such as the
    statistics of a batch normalisation, stays.

    Raises
    ------
    BadOption
        If the model can't be copied.
    """
    other = _copied(model)
    parts = sorted(layers_in(other).items(), key=lambda one: -one[0].count("/"))
    done = set[int]()
    for path, layer in [*parts, ("", other)]:
        for variable in layer.weights:
            if id(variable) in done:
                continue
            done.add(id(variable))
            values = np.asarray(keras.ops.convert_to_numpy(variable.value))
            if values.dtype.kind == "f" and not STATISTICS.search(variable.name):
                variable.assign(np.asarray(draw(path, variable.name, values), values.dtype))
    return other


def _copied(model: keras.Model) -> keras.Model:
    """Copy with weights of its own: by its configuration, else whole."""
    try:
        if isinstance(model, keras.Sequential | keras.Model) and model.built:
            other = _cloned(model)
            if other is not None:
                return other
        return copy.deepcopy(model)
    except Exception as problem:
        raise BadOption(
            f"The model {model.name!r} can't be copied, so its weights can't be drawn again: "
            f"{str(problem).strip().splitlines()[0] if str(problem).strip() else problem!r}"
        ) from problem


def _cloned(model: keras.Model) -> keras.Model | None:
    """Clone by configuration; None of a model that has none or other weights."""
    try:
        other = keras.models.clone_model(model)
        other.set_weights(model.get_weights())
    except (ValueError, TypeError, NotImplementedError):
        return None
    return other
