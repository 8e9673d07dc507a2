#!/usr/bin/env bash
# supervision: the box made of a mask lacks the mask's last row and column.
#
# Seen with supervision 0.31.2. mask_to_xyxy returns the last pixel's number as x_max and y_max, while area
# and IoU of the same package count x_max - x_min. A region of 4 x 3 pixels, as one cuts from a map,
# gets a box of 3 x 2; a region of one pixel gets a box without area, whose IoU with itself is 0.
# COCO's box of the same mask is 4 x 3. Small objects lose most.
# Guess: the box of a rectangle is that rectangle.
# Output seen:
#   pixels of the masks  [12, 1]
#   boxes                [[3, 2, 6, 4], [4, 4, 4, 4]]
#   areas of the boxes   [6.0, 0.0]
#   IoU with themselves  [1.0, 0.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile supervision==0.31.2 numpy==2.4.6
"$folder/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import supervision

masks = np.zeros((2, 10, 10), bool)
masks[0, 2:5, 3:7] = True
masks[1, 4, 4] = True
boxes = supervision.mask_to_xyxy(masks)
areas = supervision.Detections(xyxy=boxes.astype(float)).box_area.tolist()
own = np.diag(supervision.box_iou_batch(boxes.astype(float), boxes.astype(float))).tolist()
print("pixels of the masks ", masks.sum((1, 2)).tolist())
print("boxes               ", boxes.tolist())
print("areas of the boxes  ", areas)
print("IoU with themselves ", own)
assert masks.sum((1, 2)).tolist() == [12, 1]
assert areas == [6, 0] and own == [1, 0], "the boxes hold their masks now"
PYTHON
