#!/usr/bin/env bash
# tf2onnx: x // 3 of negative whole numbers is rounded towards zero, and x % 3 is negative.
#
# Seen with tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2, onnxruntime 1.32.0. TensorFlow's // of
# integers rounds down, as Python's does; the file has a plain Div, which cuts off, and the remainder
# is made from it. Coordinates left of a picture's middle and offsets of windows are such numbers.
# Guess: the same numbers, since the file holds floats right (x // 0.7 is).
# Output seen:
#   x // 3 TensorFlow [-3 -1  0  1  2] the file [-2  0  0  1  2]
#   x % 3  TensorFlow [2 2 0 2 1] the file [-1 -1  0  2  1]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile tf2onnx==1.17.0 tensorflow-cpu==2.21.0 \
  numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" - 2> "$folder/log" <<'PYTHON' || { tail -1 "$folder/log"; exit 1; }
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx


def both(function, x):
    """What TensorFlow gives, and what the converted file gives."""
    signature = [tf.TensorSpec(x.shape, x.dtype, name="x")]
    traced = tf.function(function, input_signature=signature)
    model, _ = tf2onnx.convert.from_function(traced, input_signature=signature, opset=18)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return traced(tf.constant(x)).numpy(), session.run(None, {"x": x})[0]


x = np.array([-7, -1, 0, 5, 7], np.int32)
for name, function in (("x // 3", lambda x: x // 3), ("x % 3 ", lambda x: x % 3)):
    own, file = both(function, x)
    print(name, "TensorFlow", own, "the file", file)
    assert (own != file).any(), "negative numbers are rounded alike now"
    assert (own == file)[x >= 0].all()
PYTHON
