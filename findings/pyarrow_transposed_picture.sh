#!/usr/bin/env bash
# PyArrow: one map taken out of an array of transposed maps has its values in other places.
#
# Seen with pyarrow 26.0.1, numpy 2.4.6. A tensor array made from a transposed NumPy view (here maps of
# width x height turned to height x width) remembers the order of its axes. The whole array comes back
# right; its first element is laid out with the steps of another shape. Shape and values' range fit.
# Guess: array[0] is the first map of the array.
# Output seen:
#   whole array  [[0, 3], [1, 4], [2, 5]]
#   element 0    [[0, 2], [1, 3], [2, 4]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile pyarrow==26.0.1 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import pyarrow

maps = np.arange(6).reshape(1, 2, 3).transpose(0, 2, 1)
array = pyarrow.FixedShapeTensorArray.from_numpy_ndarray(maps)
whole = array.to_numpy_ndarray()[0]
one = array[0].to_numpy()
print("whole array ", whole.tolist())
print("element 0   ", one.tolist())
assert np.array_equal(whole, maps[0])
assert one.tolist() == [[0, 2], [1, 3], [2, 4]], "an element is that of the array now"
PYTHON
