"""As torch_calls.py, of the peers that explain Keras models."""

import json
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
from benchmarks import peers  # noqa: E402

peers.visible()

import keras  # noqa: E402

import xai_heatmap as xh  # noqa: E402

keras.utils.set_random_seed(0)
given = keras.Input((24, 24, 3))
a = keras.layers.Conv2D(8, 3, 2, activation="relu", name="first")(given)
a = keras.layers.Conv2D(6, 3, activation="relu", name="conv")(a)
logits = keras.layers.Dense(4, name="logits")(keras.layers.GlobalAveragePooling2D()(a))
model = keras.Model(given, keras.layers.Activation("softmax", name="predictions")(logits))
plain = keras.Model(given, logits)
X = np.random.default_rng(0).normal(size=(1, 24, 24, 3)).astype("float32")


def apart(theirs, ours):
    return float(np.abs(np.asarray(theirs, np.float64) - np.asarray(ours, np.float64)).max())


def scaled(map_):
    map_ = np.asarray(map_, np.float64)
    return (map_ - map_.min()) / max(map_.max() - map_.min(), 1e-12)


def tf_keras_vis_gradcam():
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    gradcam = Gradcam(plain, clone=True)
    theirs = gradcam(CategoricalScore([1]), X, penultimate_layer="conv", expand_cam=False)
    ours = xh.explain(plain, X, layer="conv", target=1)
    return apart(scaled(theirs[0]), scaled(ours.map))


def tf_keras_vis_saliency():
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.scores import CategoricalScore

    theirs = Saliency(plain, clone=True)(CategoricalScore([1]), X)
    ours = xh.explain(plain, X, method="saliency", target=1)
    return apart(scaled(theirs[0]), scaled(ours.map))


def tf_keras_vis_scorecam():
    """As alike as two maps are: what each mask leaves is weighed there by the softmax over classes
    of what the model answers, here over masks, and its masks are drawn corner to corner."""
    from tf_keras_vis.scorecam import Scorecam
    from tf_keras_vis.utils.scores import CategoricalScore

    theirs = Scorecam(plain)(CategoricalScore([1]), X, penultimate_layer="conv", expand_cam=False)
    ours = xh.explain(
        plain, X, method="scorecam", layer="conv", target=1, options={"softmax": True}
    )
    return float(np.corrcoef(np.ravel(theirs[0]), ours.map.ravel())[0, 1])


def xplique_gradcam():
    """A one-hot row is the target, as there. Its map is drawn out by cubic interpolation, which
    overshoots; ours is drawn so too, to be compared."""
    import tensorflow as tf
    from xplique.attributions import GradCAM

    labels = keras.utils.to_categorical([1], 4)
    theirs = GradCAM(plain, conv_layer="conv")(X, labels)
    ours = xh.explain(plain, X, layer="conv", target=labels)
    drawn = tf.image.resize(ours.map[..., None], X.shape[1:3], method="bicubic")
    return apart(scaled(np.squeeze(theirs)), scaled(np.squeeze(drawn)))


def xplique_rise():
    from xplique.attributions import Rise

    labels = keras.utils.to_categorical([1], 4)
    theirs = np.squeeze(Rise(plain, nb_samples=4000, grid_size=4)(X, labels))
    ours = xh.explain(plain, X, method="rise", target=labels, options={"samples": 4000, "cells": 4})
    ranks = [np.argsort(np.argsort(own.ravel())) for own in (np.asarray(theirs), ours.map)]
    return float(np.corrcoef(*ranks)[0, 1])


CALLS = [
    tf_keras_vis_gradcam,
    tf_keras_vis_saliency,
    tf_keras_vis_scorecam,
    xplique_gradcam,
    xplique_rise,
]

if __name__ == "__main__":
    found = {}
    for call in CALLS:
        try:
            found[call.__name__] = call()
        except Exception as problem:  # noqa: BLE001 - the test shows it
            found[call.__name__] = f"{type(problem).__name__}: {problem}"
    sys.stdout.write(json.dumps(found) + "\n")
