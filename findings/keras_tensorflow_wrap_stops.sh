#!/usr/bin/env bash
# Keras on TensorFlow: fill_mode="wrap" goes round once, and then repeats single pixels.
#
# Seen with keras 3.15.1, tensorflow-cpu 2.21.0. A picture of 6 columns moved by 8 is the one moved by 2
# if it goes on periodically, as Keras describes the mode ("a b c d | a b c d | a b c d"); on torch and JAX
# it is. TensorFlow counts the periods by the width less one. Small pictures and maps, moved or zoomed out
# far, get stripes.
# Guess: the same row twice.
# Output seen:
#   moved by 2  [2. 3. 4. 5. 0. 1.]
#   moved by 8  [2. 3. 0. 0. 0. 1.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile keras==3.15.1 tensorflow-cpu==2.21.0 numpy==2.4.6
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import numpy as np
from keras import ops

row = np.arange(6, dtype="float32").reshape(1, 1, 6, 1)


def move(columns):
    matrix = np.array([[1, 0, columns, 0, 1, 0, 0, 0]], "float32")
    return ops.convert_to_numpy(ops.image.affine_transform(row, matrix, fill_mode="wrap")).ravel()


print("moved by 2 ", move(2), flush=True)
print("moved by 8 ", move(8), flush=True)
assert move(2).tolist() == [2, 3, 4, 5, 0, 1]
assert move(8).tolist() == [2, 3, 0, 0, 0, 1], "the picture goes on now"
PYTHON
