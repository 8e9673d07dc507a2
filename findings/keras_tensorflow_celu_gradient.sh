#!/usr/bin/env bash
# Keras on TensorFlow: the derivative of celu is 2 at zero.
#
# Seen with keras 3.15.1, tensorflow 2.21.0. celu is smooth with derivative 1 at 0. The backend
# adds max(x, 0) and expm1(min(x, 0)), and TensorFlow's maximum and minimum both hand the whole
# gradient to x on a tie. Exact zeros are common: padding, black borders, dead channels after a
# ReLU. Torch and JAX give 1.
# Guess: 1, from the left, from the right and at 0.
# Output seen:
#   x     [-1.e-03  0.e+00  1.e-03]
#   d/dx  [0.999 2.    1.   ]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile keras==3.15.1 numpy==2.4.6 tensorflow-cpu==2.21.0
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - <<'PYTHON'
import numpy as np
import tensorflow as tf
from keras import activations

x = tf.constant([-1e-3, 0.0, 1e-3])
with tf.GradientTape() as tape:
    tape.watch(x)
    y = activations.celu(x)
slope = tape.gradient(y, x).numpy()
print("x    ", x.numpy())
print("d/dx ", slope.round(3))
assert slope[1] == 2, "the derivative at zero is another now"
assert np.allclose(slope[[0, 2]], 1, atol=2e-3)
PYTHON
