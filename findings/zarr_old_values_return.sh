#!/usr/bin/env bash
# Zarr: values that were cut off come back when the array grows again.
#
# Seen with zarr 3.1.6, numpy 2.4.6. resize to fewer rows removes the chunks that lie wholly
# outside; the chunk at the border keeps its old values, and they are read again after the next
# resize to more rows. Which values return depends on the length of the chunks. Rows beyond that
# chunk do come back as the fill value.
# Guess: rows that were cut off are gone: the fill value.
# Output seen:
#   after 10 -> 3 -> 10 rows, chunks of 8: [0. 1. 2. 3. 4. 5. 6. 7. 0. 0.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile zarr==3.1.6 numpy==2.4.6
"$folder/bin/python" - <<'PYTHON'
import numpy as np
import zarr

rows = zarr.create_array(zarr.storage.MemoryStore(), shape=(10,), chunks=(8,), dtype="f4")
rows[:] = np.arange(10)
rows.resize((3,))
rows.resize((10,))
print("after 10 -> 3 -> 10 rows, chunks of 8:", rows[:])
assert rows[:3].tolist() == [0, 1, 2] and rows[8:].tolist() == [0, 0]
assert rows[3:8].tolist() == [3, 4, 5, 6, 7], "the rows that were cut off are gone now"
PYTHON
