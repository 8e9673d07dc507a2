"""``keras:NAME``: a model of ``keras.applications``, with the preprocessing of that name."""

from typing import Any

import numpy as np

from xai_heatmap.core.errors import ModelNotFound, did_you_mean
from xai_heatmap.core.network import Declared
from xai_heatmap.networks.keras.imported import imported_keras
from xai_heatmap.networks.loading.loaded import Loaded, first_line


def load_keras_application(name: str, *, trained: bool) -> Loaded:
    """The application `name`, with its ImageNet weights unless `trained` is False."""
    keras = imported_keras(purpose=f"keras:{name}")
    known = [n for n in dir(keras.applications) if n[0].isupper()]
    if name not in known:
        raise ModelNotFound(
            f"keras.applications has no {name!r}.{did_you_mean(name, known)} "
            f"It has {', '.join(known)}."
        )
    make = getattr(keras.applications, name)
    if not trained:
        return Loaded(make(weights=None))
    try:
        return Loaded(make(weights="imagenet"), Declared(labels=_labels(keras)))
    except Exception as error:
        raise ModelNotFound(
            f"The weights of keras:{name} could not be downloaded: {first_line(error)}. Try again "
            "with a connection, or give a .keras file."
        ) from error


def _labels(keras: Any) -> tuple[str, ...] | None:
    """ImageNet classes by the names of Keras, from a file that Keras downloads at first use."""
    try:
        rows = keras.applications.imagenet_utils.decode_predictions(np.eye(1000), top=1)
    except Exception:  # noqa: BLE001 - as above, and a model without names is still a model
        return None
    return tuple(row[0][1].replace("_", " ") for row in rows)
