#!/usr/bin/env bash
# coremltools: a resize with antialias is converted to one without.
#
# Seen with coremltools 9.0, torch 2.13.0. F.interpolate(antialias=True) and the same without give
# one and the same program, operator for operator; nothing warns. Scaling a picture down by four
# inside of the network then reads four of each sixteen pixels (the bicubic one is refused).
# Guess: a refusal, as for the bicubic resize.
# Output seen:
#   antialias=True   upsample_bilinear 0.25
#   antialias=False  upsample_bilinear 0.25
#   in torch they differ by up to 0.25
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


class Shrink(torch.nn.Module):
    def __init__(self, antialias):
        super().__init__()
        self.antialias = antialias

    def forward(self, x):
        return torch.nn.functional.interpolate(x, size=(4, 4), mode="bilinear", antialias=self.antialias)


x = (torch.arange(16) % 4 == 1).float().expand(1, 1, 16, 16).contiguous()
programs, values = [], []
for antialias in (True, False):
    network = Shrink(antialias).eval()
    program = coremltools.convert(
        torch.jit.trace(network, x),
        inputs=[coremltools.TensorType(shape=x.shape)],
        convert_to="milinternal",
        compute_precision=coremltools.precision.FLOAT32,
    )
    [operation] = [o for o in program.functions["main"].operations if o.op_type != "const"]
    programs.append((operation.op_type, round(float(operation.inputs["scale_factor_height"].val), 3)))
    values.append(network(x))
    print(f"antialias={antialias!s:5} ", *programs[-1], flush=True)
difference = float((values[0] - values[1]).abs().max())
print("in torch they differ by up to", round(difference, 3), flush=True)
assert difference > 0.1
assert programs[0] == programs[1], "antialiasing is not dropped now"
PYTHON
