#!/usr/bin/env bash
# Pillow: the statistics of a picture of 16 bits or of floats are those of other numbers.
#
# Seen with Pillow 13.0.0. ImageStat works on a histogram of 256 bins. A float picture is first
# stretched from its own smallest to its own largest value; of a 16-bit one the first half of each
# row's bytes is counted as if they were pixels. Neither raises. A float heatmap has the mean
# 127.3, whatever its scale.
# Guess: the mean and the extremes of the pixels, or an error.
# Output seen:
#   float   mean 127.33 extrema [(0, 255)] numpy: 0.5 0.0 1.0
#   16 bit  mean 11.25 extrema [(0, 44)] numpy: 16522.75 0 65535
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile pillow==13.0.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
from PIL import Image, ImageStat

seen = []
for name, pixels in (
    ("float ", np.array([[0, 0.5, 1]], "float32")),
    ("16 bit", np.array([[0, 300, 65535, 256]], "uint16")),
):
    statistics = ImageStat.Stat(Image.fromarray(pixels))
    seen.append(statistics.mean[0])
    print(name, " mean", round(statistics.mean[0], 2), "extrema", statistics.extrema,
          "numpy:", pixels.mean(), pixels.min(), pixels.max())
assert round(seen[0], 1) == 127.3 and seen[1] < 256, "the statistics are others now"
PYTHON
