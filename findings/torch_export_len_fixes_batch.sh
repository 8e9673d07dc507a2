#!/usr/bin/env bash
# PyTorch: len(x) in a model fixes the exported batch, although it was asked to stay open.
#
# Seen with torch 2.13.0, onnxscript 0.7.2. With dynamic_shapes naming the first axis, a model
# that says x.shape[0] is exported with an open axis; one that says len(x), as many transformers
# do for their class token, gets the example's number of pictures in the file. torch.onnx.export
# says nothing; torch.export.export(strict=False) raises for the same model.
# Guess: the same file for both, or the error that torch.export raises.
# Output seen:
#   x.shape[0]  batch of the file: open
#   len(x)      batch of the file: 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile torch==2.13.0 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import logging
import warnings

import torch

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)


class Network(torch.nn.Module):
    def __init__(self, number):
        super().__init__()
        self.number, self.token = number, torch.nn.Parameter(torch.ones(1, 8))

    def forward(self, x):
        return x + self.token.expand(self.number(x), -1)


seen = []
for name, number in (("x.shape[0]", lambda x: x.shape[0]), ("len(x)", len)):
    axes = ({0: torch.export.Dim("n")},)
    file = torch.onnx.export(Network(number).eval(), (torch.ones(2, 8),), dynamo=True, dynamic_shapes=axes, verbose=False)
    axis = file.model_proto.graph.input[0].type.tensor_type.shape.dim[0]
    seen.append(axis.dim_value)
    print(f"{name:11} batch of the file: {axis.dim_value or 'open'}")
assert seen == [0, 2], "the batch is another now"
PYTHON
