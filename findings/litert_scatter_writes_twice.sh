#!/usr/bin/env bash
# LiteRT: writing 1 into the same place twice gives 2 less what stood there.
#
# Seen with tensorflow-cpu 2.21.0, ai-edge-litert 2.3.0. tensor_scatter_nd_update leaves open which of
# two values for one place stays; here both are 1, so it is 1 (two objects that mark the same cell
# of a mask). The converted network adds up all updates, subtracts old * count from the old values,
# and writes 1.75 over 0.25: neither value, nor their sum. A place named once is right.
# Guess: 1, whichever of the two is the last.
# Output seen:
#   TensorFlow  [0.25 1.   0.25 0.25 1.   0.25]
#   LiteRT      [0.25 1.75 0.25 0.25 1.   0.25]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile tensorflow-cpu==2.21.0 ai-edge-litert==2.3.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter


def mark(x):
    return tf.tensor_scatter_nd_update(x, [[1], [1], [4]], [1.0, 1.0, 1.0])


x = np.full(6, 0.25, "float32")
function = tf.function(mark, input_signature=[tf.TensorSpec(x.shape)]).get_concrete_function()
small = Interpreter(model_content=tf.lite.TFLiteConverter.from_concrete_functions([function]).convert())
small.allocate_tensors()
small.set_tensor(small.get_input_details()[0]["index"], x)
small.invoke()
seen = small.get_tensor(small.get_output_details()[0]["index"])
right = mark(tf.constant(x)).numpy()
print("TensorFlow ", right, flush=True)
print("LiteRT     ", seen, flush=True)
assert np.array_equal(right, [0.25, 1, 0.25, 0.25, 1, 0.25])
assert np.isclose(seen[1], 1.75), "a place is written once now"
PYTHON
