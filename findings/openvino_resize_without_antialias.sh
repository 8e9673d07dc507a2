#!/usr/bin/env bash
# OpenVINO: an ONNX Resize with antialias=1 is run without antialiasing.
#
# Seen with openvino 2026.4.1, onnx 1.23.2. The attribute is dropped while the file is read, with
# no warning: shrinking a picture inside the network (as exports with their preprocessing do)
# gives the plain samples. exclude_outside and keep_aspect_ratio_policy are dropped in the same
# way. onnxruntime 1.32.0 and onnx's own evaluator follow the attribute.
# Guess: the averaged values, or an error for an attribute that is not known.
# Output seen:
#   OpenVINO, antialias=1  [ 0.833 12.5   38.167]
#   OpenVINO, antialias=0  [ 0.833 12.5   38.167]
#   onnx,     antialias=1  [ 1.814 13.452 37.14 ]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile onnx==1.23.2 openvino==2026.4.1 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import openvino
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

x = (np.arange(8, dtype="float32") ** 2).reshape(1, 1, 1, 8)


def model(antialias):
    node = helper.make_node("Resize", ["x", "", "", "size"], ["y"], mode="linear", antialias=antialias)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    size = numpy_helper.from_array(np.array([1, 1, 1, 3]), "size")
    graph = helper.make_graph([node], "g", [value("x", x.shape)], [value("y", (1, 1, 1, 3))], [size])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run(model):
    core = openvino.Core()
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(core.read_model(model.SerializeToString()), "CPU", hint)(x)[0].ravel()


on, off = run(model(1)), run(model(0))
right = ReferenceEvaluator(model(1)).run(None, {"x": x})[0].ravel()
print("OpenVINO, antialias=1 ", on.round(3))
print("OpenVINO, antialias=0 ", off.round(3))
print("onnx,     antialias=1 ", right.round(3))
assert np.array_equal(on, off), "the attribute is read now"
assert abs(on - right).max() > 0.5
PYTHON
