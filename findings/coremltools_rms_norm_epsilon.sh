#!/usr/bin/env bash
# coremltools: the epsilon of an RMS norm is added after the numbers were divided by the largest.
#
# Seen with coremltools 9.0, torch 2.13.0. The converted norm first divides by the largest
# magnitude, so that epsilon counts for the square of that magnitude as much; left out, it is 1e-5
# instead of the smallest step of float32. The program is read here (running it needs a Mac) and worked
# out in NumPy: a token with one strong channel of 1024, as vision transformers have them, is off.
# Guess: x / sqrt(mean(x ** 2) + eps), as in PyTorch.
# Output seen (largest value after the norm, one channel of 1024 at 1000):
#   torch      31.984
#   converted  31.821
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile coremltools==9.0 torch==2.13.0 numpy==2.4.6
"$folder/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import logging

import coremltools
import numpy as np
import torch

logging.disable(logging.WARNING)


class Norm(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.rms_norm(x, (1024,))


x = torch.ones(1, 1024)
x[0, 7] = 1000
traced = torch.jit.trace(Norm().eval(), x)
program = coremltools.convert(
    traced,
    inputs=[coremltools.TensorType(shape=(1, 1024))],
    convert_to="milinternal",
    compute_precision=coremltools.precision.FLOAT32,
)
operations = [o for o in program.functions["main"].operations if o.op_type != "const"]
steps = [o.op_type for o in operations]
assert steps == ["abs", "reduce_max", "real_div", "square", "reduce_mean", "add", "sqrt", "mul", "real_div"], steps
epsilon = float(operations[5].inputs["y"].val)
values = x.numpy().astype(float)
largest = np.abs(values).max(-1, keepdims=True)
converted = values / (np.sqrt(((values / largest) ** 2).mean(-1, keepdims=True) + epsilon) * largest)
right = Norm()(x).numpy()
print("torch     ", round(float(right.max()), 3), flush=True)
print("converted ", round(float(converted.max()), 3), flush=True)
assert converted.max() / right.max() < 0.996, "the epsilon is another one now"
PYTHON
