#!/usr/bin/env bash
# albumentations: a box around a dilated or eroded object grows and shrinks in its height only.
#
# Seen with albumentations 2.0.8. Morphological changes picture, mask and boxes together; the
# mask gets wider on all sides, the box only above and below. Eroded, the box keeps a margin left
# and right. Boxes of a pointing game or of a detector no longer hold their object.
# Guess: the box after it is the box of the mask after it.
# Output seen (left, top, right, bottom):
#   dilation  box [40, 16, 60, 34] of the mask [36, 16, 64, 34]
#   erosion   box [40, 24, 60, 26] of the mask [44, 24, 56, 26]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile albumentations==2.0.8 opencv-python-headless==4.13.0.92 numpy==2.4.6
NO_ALBUMENTATIONS_UPDATE=1 "$folder/bin/python" -W ignore - <<'PYTHON'
import albumentations
import numpy as np

mask = np.zeros((60, 90), "uint8")
mask[20:30, 40:60] = 255
for operation, shift in (("dilation", 4), ("erosion", -4)):
    change = albumentations.Compose(
        [albumentations.Morphological((9, 9), operation, p=1)],
        bbox_params=albumentations.BboxParams("pascal_voc", label_fields=["labels"]),
    )
    after = change(image=mask, bboxes=[(40, 20, 60, 30)], labels=[0])
    rows, columns = np.nonzero(after["image"] > 127)
    around = [int(v) for v in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)]
    box = [round(float(v)) for v in after["bboxes"][0][:4]]
    print(f"{operation:9} box", box, "of the mask", around)
    assert around == [40 - shift, 20 - shift, 60 + shift, 30 + shift], "the mask is another"
    assert box == [40, 20 - shift, 60, 30 + shift], "the box follows the mask now"
PYTHON
