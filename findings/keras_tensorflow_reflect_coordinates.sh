#!/usr/bin/env bash
# Keras on TensorFlow: map_coordinates(fill_mode="reflect") is one pixel off left of the picture.
#
# Seen with keras 3.15.1, tensorflow-cpu 2.21.0, scipy 1.17.1. "reflect" repeats the edge: (d c b a | a b c
# d | d c b a), as Keras documents it and as JAX, torch and SciPy do it. On TensorFlow it does so at
# the right and at the bottom; at the left and at the top it leaves the edge's pixel out.
# elastic_transform and every warp of one's own sample with it, so the mirrored border jumps.
# Guess: the same mirror on both sides and on every backend.
# Output seen:
#   coordinates  [-3. -2. -1.  0.  1.  2.  3.  4.  5.  6.]
#   TensorFlow   [4. 3. 2. 1. 2. 3. 4. 4. 3. 2.]
#   SciPy        [3. 2. 1. 1. 2. 3. 4. 4. 3. 2.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile keras==3.15.1 numpy==2.4.6 scipy==1.17.1 tensorflow-cpu==2.21.0
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - <<'PYTHON'
import numpy as np
from keras import ops
from scipy import ndimage

line = np.arange(1, 5, dtype="float32")
places = np.arange(-3, 7, dtype="float32")
seen = ops.convert_to_numpy(ops.image.map_coordinates(line, places[None], order=1, fill_mode="reflect"))
right = ndimage.map_coordinates(line, places[None], order=1, mode="reflect")
print("coordinates ", places)
print("TensorFlow  ", seen)
print("SciPy       ", right)
assert np.array_equal(right, [3, 2, 1, 1, 2, 3, 4, 4, 3, 2])
assert np.array_equal(seen[places >= 0], right[places >= 0]), "the other side differs too"
assert np.array_equal(seen[places < 0], [4, 3, 2]), "both sides are the same mirror now"
PYTHON
