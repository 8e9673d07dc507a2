#!/usr/bin/env bash
# pnnx and ncnn: x % 1 becomes the signed distance to the nearest whole number.
#
# Seen with pnnx 20261020, ncnn 1.0.20261020, torch 2.13.0. In PyTorch and Python the remainder lies between 0
# and the divisor, so x % 1 wraps angles and positions into [0, 1). The converted network computes
# C's remainder instead, which lies between -1/2 and 1/2: every second half is one divisor too low,
# also of positive numbers.
# Guess: PyTorch's values, or an error.
# Output seen:
#   x      [-1.75, -0.25, 0.25, 1.75]
#   torch  [0.25, 0.75, 0.25, 0.75]
#   ncnn   [0.25, -0.25, 0.25, -0.25]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile pnnx==20261020 ncnn==1.0.20261020 torch==2.13.0 numpy==2.4.6
cd "$folder"
bin/python - <<'PYTHON'
import subprocess
import warnings

import ncnn
import numpy as np
import torch

warnings.simplefilter("ignore")


class Wrap(torch.nn.Module):
    def forward(self, x):
        return x % 1.0


x = torch.tensor([[-1.75, -0.25, 0.25, 1.75]])
right = Wrap()(x)[0].tolist()
torch.jit.trace(Wrap(), x).save("wrap.pt")
subprocess.run(["bin/pnnx", "wrap.pt", "inputshape=[1,4]f32", "fp16=0"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
network = ncnn.Net()
assert network.load_param("wrap.ncnn.param") == 0
network.load_model("wrap.ncnn.bin")
extractor = network.create_extractor()
extractor.input("in0", ncnn.Mat(x[0].numpy()).clone())
seen = np.array(extractor.extract("out0")[1]).astype(float).round(2).tolist()
print("x     ", x[0].tolist())
print("torch ", right)
print("ncnn  ", seen)
assert right == [0.25, 0.75, 0.25, 0.75]
assert seen == [0.25, -0.25, 0.25, -0.25], "the remainder lies between 0 and 1 now"
PYTHON
