#!/usr/bin/env bash
# coremltools: torch.reciprocal(x) becomes 1 / (x + 0.0001).
#
# Seen with coremltools 9.0, torch 2.13.0. The converter writes the operator "inverse" without its
# epsilon, whose default of 1e-4 is added to the denominator; 1 / x written as a division has none.
# The program is read here, not run (that needs a Mac). A map normalised by its sum or its
# largest value, 1e-4 in the case of a small gradient, comes out at half its height.
# Guess: a division without an addend.
# Output seen:
#   reciprocal  inverse epsilon 0.0001
#   1 / x       real_div epsilon none
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile coremltools==9.0 torch==2.13.0 numpy==2.4.6
"$folder/bin/python" -W ignore - 2> /dev/null <<'PYTHON'
import logging

import coremltools
import torch

logging.disable(logging.WARNING)


class Reciprocal(torch.nn.Module):
    def forward(self, x):
        return torch.reciprocal(x)


class Division(torch.nn.Module):
    def forward(self, x):
        return torch.ones(3) / x


seen = {}
for name, network in (("reciprocal", Reciprocal()), ("1 / x", Division())):
    traced = torch.jit.trace(network.eval(), torch.ones(3))
    program = coremltools.convert(
        traced,
        inputs=[coremltools.TensorType(shape=(3,))],
        convert_to="milinternal",
        compute_precision=coremltools.precision.FLOAT32,
    )
    [operation] = [o for o in program.functions["main"].operations if o.op_type != "const"]
    epsilon = operation.inputs.get("epsilon")
    seen[name] = operation.op_type, round(float(epsilon.val), 6) if epsilon is not None else "none"
    print(f"{name:11}", seen[name][0], "epsilon", seen[name][1], flush=True)
assert seen["reciprocal"] == ("inverse", 0.0001), "the reciprocal is written otherwise now"
assert seen["1 / x"] == ("real_div", "none")
PYTHON
