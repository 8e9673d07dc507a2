#!/usr/bin/env bash
# imageio: a heatmap of floats is saved as a black WebP, AVIF or GIF; PNG and JPEG refuse it.
#
# Seen with imageio 2.38.1, pillow 13.0.0. No writer scales a map of 0 to 1 to the 256 levels. The
# formats that cannot hold floats should say so, and half of them do; the others cut the values off
# to whole numbers and write a picture that is black but for its single brightest pixels.
# Guess: an error that names the type, as from PNG.
# Output seen (largest level of a map from 0 to 1):
#   png   refused
#   jpg   refused
#   webp  0
#   avif  0
#   gif   1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile imageio==2.38.1 pillow==13.0.0 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import io

import imageio.v3 as imageio
import numpy as np

heat = np.linspace(0, 1, 256, dtype="float32").reshape(16, 16)
seen = {}
for ending in ("png", "jpg", "webp", "avif", "gif"):
    file = io.BytesIO()
    try:
        imageio.imwrite(file, heat, extension="." + ending)
        seen[ending] = int(imageio.imread(file.getvalue(), extension="." + ending).max())
    except (OSError, TypeError) as error:
        assert "mode F" in str(error), error
        seen[ending] = "refused"
    print(f"{ending:5}", seen[ending])
assert seen["png"] == seen["jpg"] == "refused"
assert all(seen[ending] in (0, 1, 2) for ending in ("webp", "avif", "gif")), "floats are refused or scaled now"
PYTHON
