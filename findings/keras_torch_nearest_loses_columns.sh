#!/usr/bin/env bash
# Keras on torch: a picture moved by half a pixel with interpolation="nearest" loses every second column.
#
# Seen with keras 3.15.1, torch 2.13.0. The places 0.5, 1.5, 2.5 and so on are rounded to the even
# neighbour, by turns up and down: columns 1, 3 and 5 are gone, 2 and 4 stand twice. The TensorFlow backend
# rounds all of them up. Masks of labels, moved or turned as their picture, get comb-like edges.
# Guess: the same neighbour, left or right, for all.
# Output seen:
#   torch backend  [0. 2. 2. 4. 4. 0.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile keras==3.15.1 torch==2.13.0 numpy==2.4.6
KERAS_BACKEND=torch "$folder/bin/python" - <<'PYTHON'
import numpy as np
from keras import ops

row = np.arange(6, dtype="float32").reshape(1, 1, 6, 1)


half = np.array([[1, 0, 0.5, 0, 1, 0, 0, 0]], "float32")
moved = ops.image.affine_transform(row, half, interpolation="nearest", fill_mode="constant")
seen = ops.convert_to_numpy(moved).ravel()
print("torch backend ", seen)
assert seen.tolist() == [0, 2, 2, 4, 4, 0], "halves are rounded to one side now"
PYTHON
