#!/usr/bin/env bash
# tf2onnx: resizing by area becomes picking one pixel of each area.
#
# Seen with tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2, onnxruntime 1.32.0.
# tf.image.resize(method='area') averages what each new pixel covers, the usual way to shrink a
# picture; the file has a Resize of mode nearest, without a word.
# Guess: the means, since a nearest pixel is no area.
# Output seen:
#   TensorFlow [ 2.5  4.5 10.5 12.5] the file [ 0.  2.  8. 10.]
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


x = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
own, file = both(lambda x: tf.image.resize(x, (2, 2), method="area"), x)
print("TensorFlow", own.ravel(), "the file", file.ravel())
assert own.ravel().tolist() == [2.5, 4.5, 10.5, 12.5]
assert file.ravel().tolist() == [0, 2, 8, 10], "areas are averaged now"
PYTHON
