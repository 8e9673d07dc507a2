#!/usr/bin/env bash
# kornia: a centre crop of an odd margin is no crop: every pixel is the mean of two or four.
#
# Seen with kornia 0.9.0, torch 2.13.0. center_crop warps the picture, and where the margin is odd
# (5 rows cut to 4) the window starts at half a pixel: stripes one pixel wide come out as one even
# grey. A network evaluated behind this crop sees a blurred picture, while one of even margins is
# copied exactly, so that the accuracy hangs on whether the margin is odd.
# Guess: the values of a crop are values of the picture.
# Output seen (rows of 0 and 1 in turn):
#   5 rows to 3  [1.0, 0.0, 1.0]
#   5 rows to 4  [0.5, 0.5, 0.5, 0.5]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile kornia==0.9.0 torch==2.13.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import torch
from kornia.geometry.transform import center_crop

stripes = (torch.arange(5.0) % 2).reshape(1, 1, 5, 1).expand(1, 1, 5, 5)
seen = {}
for rows in (3, 4):
    seen[rows] = [round(float(v), 3) + 0.0 for v in center_crop(stripes, (rows, 3))[0, 0, :, 0]]
    print(f"5 rows to {rows} ", seen[rows])
assert seen[3] == [1, 0, 1]
assert seen[4] == [0.5] * 4, "pixels are copied now"
PYTHON
