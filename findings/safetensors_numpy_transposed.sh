#!/usr/bin/env bash
# safetensors: a transposed NumPy array is stored with its values in another order.
#
# Seen with safetensors 0.8.0, numpy 2.4.6. safetensors.numpy.save keeps the shape of a view and
# writes the memory in the order in which it lies. A picture turned from height-width-channels to
# channels first, a Fortran-ordered array and every second column come back scrambled, with the
# right shape and no warning. safetensors.torch refuses such tensors.
# Guess: load(save(x)) equals x, or save refuses.
# Output seen:
#   saved   [[0, 3], [1, 4], [2, 5]]
#   loaded  [[0, 1], [2, 3], [4, 5]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile safetensors==0.8.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
from safetensors.numpy import load, save

heat = np.arange(6).reshape(2, 3).T
back = load(save({"heat": heat}))["heat"]
print("saved  ", heat.tolist())
print("loaded ", back.tolist())
assert np.array_equal(load(save({"heat": heat.copy(order="C")}))["heat"], heat)
assert back.shape == heat.shape and not np.array_equal(back, heat), "the order is kept now"
PYTHON
