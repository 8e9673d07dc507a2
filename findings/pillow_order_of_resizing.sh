#!/usr/bin/env bash
# Pillow 13: which axis is resized first depends on the picture's shape, so that some upright pictures
# come out a grey level away from what Pillow 12 gives, and pictures lying down do not.
#
# Seen with pillow 13.0.0 beside 12.2.0, numpy 2.4.6. Both passes round to whole levels, so their
# order shows. Pillow 12 resizes rows first, whatever the shape; Pillow 13 columns first where that
# is cheaper by its own reckoning.
# Guess: the same picture, size and filter give the same pixels in both.
# Output seen:
#   500 x 335 -> 224 x 224: other values 20.2%, at most 1 apart; columns first: True
#   335 x 500 -> 224 x 224: other values 0.0%, at most 0 apart; columns first: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/resize.py" <<'PYTHON'
import sys

import numpy as np
import PIL.Image

BILINEAR = PIL.Image.Resampling.BILINEAR
found = {}
for rows, columns in ((500, 335), (335, 500)):
    pixels = np.random.default_rng(0).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    picture = PIL.Image.fromarray(pixels)
    found[f"{rows} x {columns}"] = np.array(picture.resize((224, 224), BILINEAR))
    one_by_one = picture.resize((columns, 224), BILINEAR).resize((224, 224), BILINEAR)
    found[f"{rows} x {columns} columns first"] = np.array(one_by_one)
np.savez(sys.argv[1], **found)
PYTHON
for version in 12.2.0 13.0.0; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet --quiet --no-compile "pillow==$version" numpy==2.4.6
  "$folder/$version/bin/python" "$folder/resize.py" "$folder/$version.npz"
done
cd "$folder"
13.0.0/bin/python - <<'PYTHON'
import numpy as np

old, new = np.load("12.2.0.npz"), np.load("13.0.0.npz")
apart = {}
for shape in ("500 x 335", "335 x 500"):
    far = np.abs(old[shape].astype(int) - new[shape])
    first = bool((new[shape] == new[f"{shape} columns first"]).all())
    apart[shape] = far.max(), first
    print(
        f"{shape} -> 224 x 224: other values {(far > 0).mean():.1%}, at most {far.max()} apart; "
        f"columns first: {first}"
    )
assert apart == {"500 x 335": (1, True), "335 x 500": (0, False)}, "Pillow resizes otherwise now"
PYTHON
