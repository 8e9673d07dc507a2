#!/usr/bin/env bash
# jax2onnx: a dynamic_slice that would pass the end is moved back by JAX, and cut short by the file.
#
# Seen with jax2onnx 0.17.1, jax 0.10.2, onnx 1.23.2, onnxruntime 1.32.0. lax.dynamic_slice always
# answers the length that was asked for, from an earlier start where need be; the converted Slice
# answers fewer rows, while the file still declares all of them. Windows at the border of a picture
# are such slices.
# Guess: four rows from both.
# Output seen:
#   JAX (1, 4, 2) [ 8. 12. 16. 20.] the file (1, 2, 2) [16. 20.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile jax2onnx==0.17.1 jax==0.10.2 numpy==2.4.6 \
  onnx==1.23.2 onnxruntime==1.32.0
JAX_PLATFORMS=cpu "$folder/bin/python" - 2> "$folder/log" <<'PYTHON' || { tail -1 "$folder/log"; exit 1; }
import jax
import jax2onnx
import numpy as np
import onnxruntime


def both(function, x):
    """What JAX gives, and what the converted file gives."""
    model = jax2onnx.to_onnx(function, [x.shape])
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.asarray(function(x)), session.run(None, {session.get_inputs()[0].name: x})[0]


x = np.arange(24, dtype=np.float32).reshape(1, 6, 4)
own, file = both(lambda x: jax.lax.dynamic_slice(x, (0, 4, 0), (1, 4, 2)), x)
print("JAX", own.shape, own[0, :, 0], "the file", file.shape, file[0, :, 0])
assert own.shape == (1, 4, 2)
assert file.shape == (1, 2, 2), "the slice is moved back now"
assert both(lambda x: jax.lax.dynamic_slice(x, (0, 2, 0), (1, 4, 2)), x)[1].shape == (1, 4, 2)
PYTHON
