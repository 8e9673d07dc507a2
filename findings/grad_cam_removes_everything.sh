#!/usr/bin/env bash
# pytorch-grad-cam: asked to remove the hottest 20 % of a picture, its ROAD metrics remove all of it.
#
# Seen with grad-cam 1.5.7, torch 2.13.0. What is kept are the pixels below a percentile of the map.
# CAMs end in a ReLU, so much of a map is exactly 0; where the percentile is that 0, no pixel lies
# below, and the whole picture is removed. From the least relevant end the same ties count twice
# over: asked for 1 %, all pixels without heat go. Averages over percentiles mix such steps in.
# Guess: as many pixels are removed as were asked for, whichever of the ties they are.
# Output seen (a map with heat in 9 of 64 pixels):
#   hottest 5 %    removed 6.2 %
#   hottest 20 %   removed 100.0 %
#   hottest 50 %   removed 100.0 %
#   coldest 1 %    removed 85.9 %
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile grad-cam==1.5.7 torch==2.13.0 torchvision==0.28.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import torch

try:
    import torchvision
except RuntimeError:  # its operators are built for another torch; grad-cam calls none, but their names must exist
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"):
        for form in (name, f"q{name}", f"_{name}_backward"):
            operators.define(f"{form}(Tensor x) -> Tensor")
from pytorch_grad_cam.metrics.road import RemoveLeastRelevantFirst, RemoveMostRelevantFirst

heat = torch.zeros(8, 8)
heat[2:5, 2:5] = torch.arange(1.0, 10).reshape(3, 3) / 9
removed = {}


def imputer(picture, kept):
    """Note the share of pixels that are not kept."""
    removed[asked] = 100 * float((kept == 0).float().mean())
    return picture


picture = torch.rand(3, 8, 8)
for share in (5, 20, 50):
    asked = f"hottest {share} %"
    RemoveMostRelevantFirst(100 - share, imputer)(picture, heat)
asked = "coldest 1 %"
RemoveLeastRelevantFirst(99, imputer)(picture, heat)
for asked, share in removed.items():
    print(f"{asked:13}  removed {share:.1f} %")
assert removed["hottest 5 %"] < 7
assert removed["hottest 20 %"] == removed["hottest 50 %"] == 100, "ties are broken now"
assert removed["coldest 1 %"] > 80, "ties at the cold end are broken now"
PYTHON
