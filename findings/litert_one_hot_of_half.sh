#!/usr/bin/env bash
# LiteRT: quantised, the zeros of one_hot are read as 0.5.
#
# Seen with tensorflow-cpu 2.21.0, ai-edge-litert 2.3.0. The 8-bit network writes the byte 0, and the
# byte of zero is -128 at this output's scale of 1 / 255. A network that multiplies its scores by the winner's
# one-hot row (as for a class activation map) lets all the other classes through, at half strength.
# Guess: 0 1 0 0, within one step of 1 / 255.
# Output seen:
#   TensorFlow  [0. 1. 0. 0.]
#   LiteRT      [0.502 1.    0.502 0.502]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile tensorflow-cpu==2.21.0 ai-edge-litert==2.3.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter


def winner(scores):
    return tf.one_hot(tf.argmax(scores, -1), 4)


scores = np.array([[0.1, 0.9, 0.3, 0.2]], "float32")
function = tf.function(winner, input_signature=[tf.TensorSpec(scores.shape)]).get_concrete_function()
converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: [[scores]]
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
small = Interpreter(model_content=converter.convert())
small.allocate_tensors()
small.set_tensor(small.get_input_details()[0]["index"], scores)
small.invoke()
seen = small.get_tensor(small.get_output_details()[0]["index"])[0]
right = winner(tf.constant(scores)).numpy()[0]
print("TensorFlow ", right, flush=True)
print("LiteRT     ", seen.round(3), flush=True)
assert right.tolist() == [0, 1, 0, 0]
assert np.allclose(seen, [0.502, 1, 0.502, 0.502], atol=0.01), "zeros are zeros now"
PYTHON
