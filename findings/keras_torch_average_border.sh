#!/usr/bin/env bash
# Keras on torch: AveragePooling2D(padding="same") counts the last column twice.
#
# Seen with keras 3.15.1, torch 2.13.0. Where "same" needs one more cell on one side (window 3,
# step 2, an even length: a common layer) the torch backend repeats the border's cell and averages
# it in. TensorFlow and JAX divide by the cells inside the picture. A map of that layer is heavier
# at the right and at the bottom.
# Guess: one model gives one answer on every backend: the mean of the cells that exist.
# Output seen:
#   torch backend  [ 1.667  9.667 22.   ]
#   mean of cells  [ 1.667  9.667 20.5  ]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile keras==3.15.1 numpy==2.4.6 torch==2.13.0
KERAS_BACKEND=torch "$folder/bin/python" - <<'PYTHON'
import numpy as np
from keras import layers, ops

line = np.arange(6, dtype="float32") ** 2
pooled = layers.AveragePooling2D((1, 3), (1, 2), "same")(line.reshape(1, 1, 6, 1))
seen = ops.convert_to_numpy(pooled).ravel()
right = np.array([line[0:3].mean(), line[2:5].mean(), line[4:6].mean()])
print("torch backend ", seen.round(3))
print("mean of cells ", right.round(3))
assert np.allclose(seen[:2], right[:2]), "other cells than the last differ"
assert np.isclose(seen[2], (line[4] + 2 * line[5]) / 3), "the last column is counted once now"
PYTHON
