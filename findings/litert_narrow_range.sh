#!/usr/bin/env bash
# LiteRT: a quantisation with narrow_range gets back the level that it leaves out.
#
# Seen with tensorflow-cpu 2.21.0, ai-edge-litert 2.3.0. narrow_range of 4 bits has 15 levels, seven on
# each side of zero; the converted network keeps their distance and cuts off at 16. A network trained to
# stay within -1.4 and 1.4 reaches -1.6 after conversion: the smallest scores move, the largest do not.
# Guess: the same 15 levels.
# Output seen for -2, -1.2, 0, 1.2, 2:
#   TensorFlow  [-1.4 -1.2  0.   1.2  1.4]
#   LiteRT      [-1.6 -1.2  0.   1.2  1.4]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile tensorflow-cpu==2.21.0 ai-edge-litert==2.3.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter


def quantise(x):
    return tf.quantization.fake_quant_with_min_max_args(x, -1.4, 1.4, num_bits=4, narrow_range=True)


x = np.array([-2, -1.2, 0, 1.2, 2], "float32")
function = tf.function(quantise, input_signature=[tf.TensorSpec(x.shape)]).get_concrete_function()
small = Interpreter(model_content=tf.lite.TFLiteConverter.from_concrete_functions([function]).convert())
small.allocate_tensors()
small.set_tensor(small.get_input_details()[0]["index"], x)
small.invoke()
seen = small.get_tensor(small.get_output_details()[0]["index"])
right = quantise(tf.constant(x)).numpy()
print("TensorFlow ", right.round(3), flush=True)
print("LiteRT     ", seen.round(3), flush=True)
assert np.allclose(right, [-1.4, -1.2, 0, 1.2, 1.4], atol=1e-3)
assert np.isclose(seen[0], -1.6, atol=1e-3), "the narrow range is kept now"
PYTHON
