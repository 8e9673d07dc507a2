#!/usr/bin/env bash
# LiteRT: an infinite constant becomes the largest finite number, and is_inf is false for infinity.
#
# Seen with tensorflow-cpu 2.21.0, ai-edge-litert 2.3.0. The converter stores inf as 3.4e38 and -inf
# as -3.4e38. x / 0 is still infinite when the network runs, so that its own test for infinity, a
# comparison with that constant, says no; and a softmax over a row that is masked as a whole with
# -inf, nan in TensorFlow, comes out as even shares that look like an answer.
# Guess: floats are copied as they are.
# Output seen:
#   x where x > 9, else inf       TensorFlow [inf inf], LiteRT [3.4028235e+38 3.4028235e+38]
#   is_inf(x / 0)                 TensorFlow [1. 1.], LiteRT [0. 0.]
#   softmax of a masked row       TensorFlow [nan nan], LiteRT [0.5 0.5]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile tensorflow-cpu==2.21.0 ai-edge-litert==2.3.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

INFINITE = np.float32(np.inf)
STEPS = {
    "x where x > 9, else inf": lambda x: tf.where(x > 9, x, INFINITE),
    "is_inf(x / 0)": lambda x: tf.cast(tf.math.is_inf(x / (x * 0)), tf.float32),
    "softmax of a masked row": lambda x: tf.nn.softmax(tf.where(x > 9, x, -INFINITE)),
}


def lite(step, x):
    function = tf.function(step, input_signature=[tf.TensorSpec(x.shape)]).get_concrete_function()
    small = Interpreter(model_content=tf.lite.TFLiteConverter.from_concrete_functions([function]).convert())
    small.allocate_tensors()
    small.set_tensor(small.get_input_details()[0]["index"], x)
    small.invoke()
    return small.get_tensor(small.get_output_details()[0]["index"])


x = np.float32([1, 1])
seen = {}
for name, step in STEPS.items():
    right, found = step(tf.constant(x)).numpy(), lite(step, x)
    seen[name] = found
    print(f"{name:28}  TensorFlow {right}, LiteRT {found}", flush=True)
where, test, masked = seen.values()
assert np.isfinite(where).all(), "infinity is kept now"
assert not test.any() and np.allclose(masked, 0.5)
PYTHON
