#!/usr/bin/env bash
# Keras: the grey of a white 8-bit pixel is 254, and of any grey g mostly g - 1.
#
# Seen with keras 3.15.1, jax 0.10.2 (torch alike). ops.image.rgb_to_grayscale weighs with 0.2989
# + 0.587 + 0.114 = 0.9999 and cuts the fraction off when it goes back to uint8, so that every
# grey but 0 loses a level.
# Guess: white stays 255; a grey picture is its own grey.
# Output seen:
#   grey in   [  0   1  10 100 200 255]
#   grey out  [  0   0   9  99 199 254]
#   greys that keep their level: 1 of 256
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile keras==3.15.1 numpy==2.4.6 jax==0.10.2
KERAS_BACKEND=jax "$folder/bin/python" - <<'PYTHON'
import numpy as np
from keras import ops

levels = np.arange(256, dtype="uint8")
picture = np.repeat(levels[None, :, None], 3, axis=-1)
out = np.asarray(ops.image.rgb_to_grayscale(picture)).ravel()
some = [0, 1, 10, 100, 200, 255]
print("grey in  ", levels[some])
print("grey out ", out[some])
print("greys that keep their level:", int((out == levels).sum()), "of 256")
assert out.dtype == np.uint8 and out[255] == 254, "white stays white now"
PYTHON
