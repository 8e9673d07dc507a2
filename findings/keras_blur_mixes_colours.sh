#!/usr/bin/env bash
# Keras on JAX: gaussian_blur mixes the colours and leaves the rows sharp.
#
# Seen with keras 3.15.1, jax 0.10.2 (the torch backend does the same). The argument data_format
# is None by default, which the documentation explains as the configured one (channels_last).
# These two backends compare None with "channels_last" and then read rows as channels: the blur
# runs along columns and colours. With data_format="channels_last" written out, and on TensorFlow,
# the result is right.
# Guess: a red point becomes a round red spot; its green and blue stay 0.
# Output seen:
#   by rows, red   [0. 0. 1. 0. 0.] of the column through the point: no neighbour
#   by colour      [0.452 0.274 0.   ] red, green, blue of the sum: the point was red alone
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile keras==3.15.1 numpy==2.4.6 jax==0.10.2
KERAS_BACKEND=jax "$folder/bin/python" - <<'PYTHON'
import numpy as np
from keras import config, ops

assert config.image_data_format() == "channels_last"
point = np.zeros((1, 5, 5, 3), "float32")
point[0, 2, 2, 0] = 1
default = np.asarray(ops.image.gaussian_blur(point, (3, 3), (1.0, 1.0)))[0]
written = np.asarray(ops.image.gaussian_blur(point, (3, 3), (1.0, 1.0), "channels_last"))[0]
rows = default[:, 2, 0] / default[2, 2, 0]
print("by rows, red  ", rows.round(3))
print("by colour     ", default.sum((0, 1)).round(3))
print("written out   ", (written[:, 2, 0] / written[2, 2, 0]).round(3), written.sum((0, 1)).round(3))
assert rows[1] == rows[3] == 0 and default[..., 1].sum() > 0.2, "the rows are blurred now"
assert written[1, 2, 0] > 0 and written[..., 1].sum() == 0
PYTHON
