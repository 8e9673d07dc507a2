#!/usr/bin/env bash
# tf2onnx: crop_and_resize by the nearest pixel takes the left neighbour where TensorFlow takes the right.
#
# Seen with tf2onnx 1.17.0, tensorflow-cpu 2.21.0, onnxruntime 1.32.0. A box of 5 pixels made 9 samples the
# places 0, 0.5, 1 and so on. TensorFlow rounds a half up, the file down, each time: a box enlarged so
# is shifted by one of its pixels, and a mask or map cut out of the file's network does not lie on the other.
# Guess: the numbers of the network that was converted.
# Output seen:
#   TensorFlow  [0. 1. 1. 2. 2. 3. 3. 4. 4.]
#   file        [0. 0. 1. 1. 2. 2. 3. 3. 4.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile tf2onnx==1.17.0 tensorflow-cpu==2.21.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx


def cut(x):
    return tf.image.crop_and_resize(x, [[0.0, 0, 1, 1]], [0], (1, 9), method="nearest")


x = np.arange(5, dtype="float32").reshape(1, 1, 5, 1)
file, _ = tf2onnx.convert.from_function(tf.function(cut), [tf.TensorSpec(x.shape, tf.float32)], opset=18)
session = onnxruntime.InferenceSession(file.SerializeToString())
seen = session.run(None, {session.get_inputs()[0].name: x})[0].ravel()
right = cut(tf.constant(x)).numpy().ravel()
print("TensorFlow ", right, flush=True)
print("file       ", seen, flush=True)
assert right.tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4]
assert seen.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4], "halves are rounded as in TensorFlow now"
PYTHON
