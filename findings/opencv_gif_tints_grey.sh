#!/usr/bin/env bash
# OpenCV: a GIF of a grey picture is tinted, and its levels are up to 82 of 256 away.
#
# Seen with opencv-python-headless 5.0.0.93. A GIF has room for 256 colours, and a ramp of 256 greys
# fits; Pillow keeps each one. OpenCV writes fixed colours, dithered, that are not grey: 19 of them. A
# film of grey heatmaps gets red and blue-green dots, and the levels that its colours stand for are lost.
# IMWRITE_GIF_QUALITY 8 leaves four greys.
# Guess: the greys as they are, 256 of them.
# Output seen:
#   OpenCV             19 colours, off by 82, channels apart by 108
#   OpenCV, quality 8  4 colours, off by 82, channels apart by 0
#   Pillow             256 colours, off by 0, channels apart by 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import io

import cv2
import numpy as np
from PIL import Image

ramp = np.arange(256, dtype="uint8")[None, :, None].repeat(32, 0).repeat(3, 2)
file = io.BytesIO()
Image.fromarray(ramp).save(file, "GIF")
files = {
    "OpenCV": cv2.imencode(".gif", ramp)[1].tobytes(),
    "OpenCV, quality 8": cv2.imencode(".gif", ramp, [cv2.IMWRITE_GIF_QUALITY, 8])[1].tobytes(),
    "Pillow": file.getvalue(),
}
seen = {}
for name, written in files.items():
    read = np.asarray(Image.open(io.BytesIO(written)).convert("RGB")).astype(int)
    colours = len(np.unique(read.reshape(-1, 3), axis=0))
    off = int(np.abs(read - ramp).max())
    apart = int((read.max(-1) - read.min(-1)).max())
    print(f"{name:18} {colours} colours, off by {off}, channels apart by {apart}")
    seen[name] = colours, off, apart
assert seen["Pillow"] == (256, 0, 0)
assert seen["OpenCV"][0] < 64 and seen["OpenCV"][2] > 30, "greys stay grey now"
PYTHON
