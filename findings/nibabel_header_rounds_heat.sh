#!/usr/bin/env bash
# NiBabel: heat saved with the scan's header is rounded to the scan's 256 levels.
#
# Seen with nibabel 5.4.2, numpy 2.4.6. Nifti1Image(array, affine, header) keeps the header's type
# of pixel, and the array's own is dropped without a word: the usual way to keep the orientation
# turns float32 into scaled 8-bit integers (16-bit ones for a CT scan). The array in memory stays
# exact; the file's does not.
# Guess: the file has the type of the array that is given.
# Output seen:
#   array float32, file uint8
#   4096 values before, 256 after; largest error 0.002
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile nibabel==5.4.2 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import nibabel
import numpy as np

scan = nibabel.Nifti1Image(np.zeros((16, 16, 16), "uint8"), np.eye(4))
heat = np.linspace(0, 1, 16**3, dtype="float32").reshape(16, 16, 16)
kept = nibabel.Nifti1Image(heat, scan.affine, scan.header)
back = nibabel.Nifti1Image.from_bytes(kept.to_bytes()).get_fdata()
print(f"array {heat.dtype}, file {kept.get_data_dtype()}")
print(f"{len(np.unique(heat))} values before, {len(np.unique(back))} after; largest error {abs(back - heat).max():.3f}")
assert kept.get_data_dtype() == np.uint8 and len(np.unique(back)) <= 256, "the type is kept now"
PYTHON
