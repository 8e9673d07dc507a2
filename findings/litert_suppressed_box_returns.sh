#!/usr/bin/env bash
# LiteRT: non-maximum suppression returns box 0 once for each place that is left over.
#
# Seen with tensorflow-cpu 2.21.0, ai-edge-litert 2.3.0. TensorFlow's list of kept boxes is as
# long as boxes were kept; the converted network's is always max_output_size long, filled up with
# 0, a valid box number, and how many were kept is not told. Box 0 was suppressed here: it is back
# in the detections, with its score, and gets a heatmap.
# Guess: the boxes 1, 2 and 3 (or an output that says how many count).
# Output seen:
#   TensorFlow  boxes [1 2 3] scores [0.9  0.55 0.52]
#   LiteRT      boxes [1 2 3 0] scores [0.9  0.55 0.52 0.5 ]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile tensorflow-cpu==2.21.0 ai-edge-litert==2.3.0 numpy==2.4.6
TF_CPP_MIN_LOG_LEVEL=3 "$folder/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [2, 2, 3, 3], [0, 2, 1, 3]], "float32")
scores = np.array([0.5, 0.9, 0.55, 0.52], "float32")


def detect(scores):
    kept = tf.image.non_max_suppression(boxes, scores, max_output_size=4, iou_threshold=0.5)
    return {"kept": kept, "scores": tf.gather(scores, kept)}


function = tf.function(detect, input_signature=[tf.TensorSpec(scores.shape)]).get_concrete_function()
small = Interpreter(model_content=tf.lite.TFLiteConverter.from_concrete_functions([function]).convert())
small.allocate_tensors()
small.set_tensor(small.get_input_details()[0]["index"], scores)
small.invoke()
outputs = [small.get_tensor(detail["index"]) for detail in small.get_output_details()]
kept = next(o for o in outputs if o.dtype == np.int32)
seen = next(o for o in outputs if o.dtype == np.float32)
right = detect(tf.constant(scores))
print("TensorFlow  boxes", right["kept"].numpy(), "scores", right["scores"].numpy(), flush=True)
print("LiteRT      boxes", kept, "scores", seen, flush=True)
assert right["kept"].numpy().tolist() == [1, 2, 3]
assert kept.tolist() == [1, 2, 3, 0], "the places left over are marked now"
PYTHON
