#!/usr/bin/env bash
# tf2onnx: one_hot of -1, a row of zeros in TensorFlow, is the last class in the file.
#
# Seen with tf2onnx 1.17.0, tensorflow 2.21.0, onnx 1.23.2, onnxruntime 1.32.0. ONNX's OneHot counts
# negative indices from the end; TensorFlow gives a row that is off for any index outside. -1 is the
# usual mark for 'no class', 'ignore' and padding.
# Guess: a row of zeros from both.
# Output seen:
#   TensorFlow [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
#   the file   [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
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


own, file = both(lambda x: tf.one_hot(x, 3), np.array([-1, 0, 3], np.int32))
print("TensorFlow", own.astype(int).tolist())
print("the file  ", file.astype(int).tolist())
assert own[0].tolist() == [0, 0, 0]
assert file[0].tolist() == [0, 0, 1], "-1 is no class now"
assert (own[1:] == file[1:]).all()
PYTHON
