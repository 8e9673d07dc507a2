#!/usr/bin/env bash
# PyTorch: a quantised transposed convolution applies its weights in another order.
#
# Seen with torch 2.13.0. With as many channels out as in, the answers are right. With other numbers
# of channels (every decoder) the oneDNN engine, which the default engine "x86" chooses for
# symmetric weights, mixes up which weight joins which channels. weight() shows the right ones, and
# QNNPACK applies them. One and two dimensions, with and without groups.
# Guess: the floating-point answer up to rounding, on every engine.
# Output seen:
#   weights of the first channel   [1.0, 2.0, 3.0]
#   onednn                         [1.0, 5.0, 4.0]
#   x86                            [1.0, 5.0, 4.0]
#   qnnpack                        [1.0, 2.0, 3.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile torch==2.13.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import warnings

import torch
from torch.ao.nn.quantized import ConvTranspose1d

warnings.simplefilter("ignore")
weights = torch.arange(1.0, 7).reshape(2, 3, 1)  # two channels in, three out
first = torch.tensor([1.0, 0]).reshape(1, 2, 1)
seen = {}
for engine in ("onednn", "x86", "qnnpack"):
    torch.backends.quantized.engine = engine
    layer = ConvTranspose1d(2, 3, 1, bias=False)
    layer.set_weight_bias(torch.quantize_per_tensor(weights, 1, 0, torch.qint8), None)
    layer.scale, layer.zero_point = 1.0, 0
    assert torch.equal(layer.weight().dequantize(), weights)
    seen[engine] = layer(torch.quantize_per_tensor(first, 1, 0, torch.quint8)).dequantize().flatten().tolist()
print(f"{'weights of the first channel':30}", weights[0].flatten().tolist())
for engine, answer in seen.items():
    print(f"{engine:30}", answer)
assert seen["qnnpack"] == [1, 2, 3]
assert seen["onednn"] == [1, 5, 4], "oneDNN applies the weights in their order now"
PYTHON
