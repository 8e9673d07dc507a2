#!/usr/bin/env bash
# jax2onnx: a nearest resize picks another pixel: halved, the first of two instead of the second.
#
# Seen with jax2onnx 0.17.1, jax 0.10.2, onnx 1.23.2, onnxruntime 1.32.0. JAX takes the pixel that
# lies under the middle of the new one, which for an even factor is the later of two; the file's
# Resize rounds half down. Labels and masks that are halved move by a pixel.
# Guess: the same pixels.
# Output seen:
#   4 to 2: JAX [1 3] the file [0 2]
#   4 to 3: JAX [0 2 3] the file [0 1 3]
#   4 to 6: JAX [0 1 1 2 3 3] the file [0 0 1 2 2 3]
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


x = np.arange(4, dtype=np.float32).reshape(1, 4, 1)
for length in (2, 3, 6):
    own, file = both(lambda x: jax.image.resize(x, (1, length, 1), "nearest"), x)
    print(f"4 to {length}: JAX", own.ravel().astype(int), "the file", file.ravel().astype(int))
    assert (own != file).any(), "the same pixels are taken now"
PYTHON
