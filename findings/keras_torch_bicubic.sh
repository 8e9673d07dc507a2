#!/usr/bin/env bash
# Keras on torch: bicubic resizing is another cubic than on TensorFlow and JAX.
#
# Seen with keras 3.15.1, torch 2.13.0. TensorFlow and JAX use the cubic of Keys with a = -0.5,
# torch uses a = -0.75, and Keras passes the word on. With antialias=True torch changes to -0.5
# as well. A saved model with Resizing or UpSampling2D("bicubic") gives other numbers by backend,
# and pictures prepared by one are sharper than those that the network was trained on.
# Guess: one interpolation by one name.
# Output seen (a step from 0 to 1, twice as wide):
#   torch backend  [0.0, -0.035, -0.105, 0.227, 0.773, 1.105, 1.035, 1.0]
#   a = -0.75      [0.0, -0.035, -0.105, 0.227, 0.773, 1.105, 1.035, 1.0]
#   a = -0.5       [0.0, -0.023, -0.07, 0.203, 0.797, 1.07, 1.023, 1.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile keras==3.15.1 numpy==2.4.6 torch==2.13.0
KERAS_BACKEND=torch "$folder/bin/python" - <<'PYTHON'
import numpy as np
from keras import ops

line = np.repeat(np.float32([0, 1]), 4)


def keys(a):
    """The line at half pixels, by the cubic of Keys, in the middle of the line."""
    values = []
    for place in (np.arange(16) + 0.5) / 2 - 0.5:
        first = int(np.floor(place)) - 1
        total = 0.0
        for k in range(first, first + 4):
            d = abs(place - k)
            near, far = (a + 2) * d**3 - (a + 3) * d**2 + 1, a * (d**3 - 5 * d**2 + 8 * d - 4)
            total += (near if d < 1 else far) * line[np.clip(k, 0, 7)]
        values.append(total)
    return np.array(values)[4:12]


def keras(**options):
    wide = ops.image.resize(line.reshape(1, 1, 8, 1), (1, 16), interpolation="bicubic", **options)
    return ops.convert_to_numpy(wide).ravel()[4:12]


seen = keras()
print("torch backend ", seen.astype(float).round(3).tolist())
print("a = -0.75     ", keys(-0.75).round(3).tolist())
print("a = -0.5      ", keys(-0.5).round(3).tolist())
assert np.allclose(keras(antialias=True), keys(-0.5), atol=1e-3)
assert np.allclose(seen, keys(-0.75), atol=1e-3), "the cubic is another now"
PYTHON
