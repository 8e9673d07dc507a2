#!/usr/bin/env bash
# Keras on torch: ops.count_nonzero(x, axis=...) returns the other axes in reverse order.
#
# Seen with keras 3.15.1, torch 2.13.0. The counts are right and stand in a transposed array: the
# active units of (pictures, channels, places) counted along the places come back as (channels, pictures).
# Where two lengths are equal not even the shape tells. TensorFlow, JAX and NumPy keep the order.
# Guess: numpy.count_nonzero's array.
# Output seen:
#   torch backend  [[0, 4], [1, 5], [2, 6], [3, 7]]
#   NumPy          [[0, 1, 2, 3], [4, 5, 6, 7]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile keras==3.15.1 numpy==2.4.6 torch==2.13.0
KERAS_BACKEND=torch "$folder/bin/python" - <<'PYTHON'
import numpy as np
from keras import ops

active = (np.arange(8)[:, None] > np.arange(7)).reshape(2, 4, 7).astype("float32")
seen = ops.convert_to_numpy(ops.count_nonzero(active, axis=2))
right = np.count_nonzero(active, axis=2)
print("torch backend ", seen.tolist())
print("NumPy         ", right.tolist())
assert right.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
assert np.array_equal(seen, right.T), "the axes keep their order now"
PYTHON
