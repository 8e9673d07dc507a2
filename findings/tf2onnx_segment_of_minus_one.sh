#!/usr/bin/env bash
# tf2onnx: what unsorted_segment_sum leaves out, the segment -1, becomes the sum of an empty last segment.
#
# Seen with tf2onnx 1.17.0, tensorflow-cpu 2.21.0, onnxruntime 1.32.0. TensorFlow drops values of a
# negative segment, the usual mark of a pixel without a region. The file counts -1 from the end: if the
# last region has no pixel, the heat of all unmarked pixels is its own, and it may look the most important.
# Guess: 3 7 0 for the regions 0, 1 and 2.
# Output seen:
#   TensorFlow  [3. 7. 0.]
#   file        [ 3.  7. 10.]
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


def regions(heat):
    return tf.math.unsorted_segment_sum(heat, [0, 0, 1, 1, -1], num_segments=3)


heat = np.array([1, 2, 3, 4, 10], "float32")
file, _ = tf2onnx.convert.from_function(tf.function(regions), [tf.TensorSpec(heat.shape, tf.float32)], opset=18)
session = onnxruntime.InferenceSession(file.SerializeToString())
seen = session.run(None, {session.get_inputs()[0].name: heat})[0]
right = regions(tf.constant(heat)).numpy()
print("TensorFlow ", right, flush=True)
print("file       ", seen, flush=True)
assert right.tolist() == [3, 7, 0]
assert seen.tolist() == [3, 7, 10], "a negative segment is left out now"
PYTHON
