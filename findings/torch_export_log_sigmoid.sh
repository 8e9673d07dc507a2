#!/usr/bin/env bash
# PyTorch: log-sigmoid and logaddexp, exact for any score, are infinite in the exported file.
#
# Seen with torch 2.13.0, onnxscript 0.7.2, onnxruntime 1.32.0. torch computes both without
# overflow; the exporter writes log(sigmoid(x)) and log(exp(a) + exp(b)). A loss or a log score of
# -20 or of 90 is inf, and the heatmap made from it NaN.
# Guess: the numbers of the network that was exported.
# Output seen:
#   log-sigmoid of -20    torch -20.0 file -inf
#   logaddexp of 90, 90   torch 90.693 file inf
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile torch==2.13.0 onnxscript==0.7.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import logging
import warnings

import numpy as np
import onnxruntime
import torch

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)


class Add(torch.nn.Module):
    def forward(self, x):
        return torch.logaddexp(x, x)


for name, network, score in (("log-sigmoid of -20   ", torch.nn.LogSigmoid(), -20.0), ("logaddexp of 90, 90  ", Add(), 90.0)):
    x = torch.tensor([score])
    file = torch.onnx.export(network.eval(), (x,), dynamo=True, verbose=False).model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(file)
    seen = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    right = network(x).numpy()
    print(name, "torch", round(float(right[0]), 3), "file", seen[0])
    assert np.isfinite(right).all() and np.isinf(seen).all(), "the export is exact now"
PYTHON
