#!/usr/bin/env bash
# tf2onnx: adjust_saturation swaps the colours of pixels whose strongest channel is green.
#
# Seen with tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2, onnxruntime 1.32.0. The hue of a pixel
# depends on which channel is the strongest; for green the file takes another case, and the pixel
# comes out blue. Red and blue ones are right.
# Guess: the colours that TensorFlow gives, within rounding.
# Output seen:
#   red   [0.9 0.2 0.1] TensorFlow [0.9  0.11 0.  ] the file [0.9  0.11 0.  ]
#   green [0.1 0.8 0.3] TensorFlow [0.   0.8  0.23] the file [0.23 0.   0.8 ]
#   blue  [0.2  0.3  0.95] TensorFlow [0.   0.13 0.95] the file [0.   0.13 0.95]
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


pixels = np.array([[[[0.9, 0.2, 0.1], [0.1, 0.8, 0.3], [0.2, 0.3, 0.95]]]], np.float32)
own, file = both(lambda x: tf.image.adjust_saturation(x, 1.5), pixels)
for name, before, one, other in zip(("red", "green", "blue"), pixels[0, 0], own[0, 0], file[0, 0]):
    print(f"{name:5}", before, "TensorFlow", one.round(2), "the file", other.round(2))
apart = np.abs(own - file).max(-1)[0, 0]
assert apart[1] > 0.5, "green pixels stay green now"
assert (apart[[0, 2]] < 1e-5).all()
PYTHON
