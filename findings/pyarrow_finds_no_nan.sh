#!/usr/bin/env bash
# PyArrow: asked for the rows that are NaN, a Parquet file with such rows returns none.
#
# Seen with pyarrow 26.0.1. The smallest and largest value that a file keeps of each block leave NaN
# out; a block of 1 and NaN has 1 and 1. The filter is simplified by them: "is_nan" and "not 1"
# can then never hold, and the block is skipped. The same filter on the same table in memory is right.
# Who looks in a table of scores for the pictures whose map failed finds none.
# Guess: the row b in each case.
# Output seen:
#   is_nan(score)         memory ['b'] file []
#   (score != 1)          memory ['b'] file []
#   invert((score <= 1))  memory ['b'] file []
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --quiet --no-compile pyarrow==26.0.1
"$folder/bin/python" - <<'PYTHON'
import io

import pyarrow
import pyarrow.dataset
import pyarrow.parquet

table = pyarrow.table({"picture": ["a", "b"], "score": [1.0, float("nan")]})
file = io.BytesIO()
pyarrow.parquet.write_table(table, file)
score = pyarrow.dataset.field("score")
for wanted in (score.is_nan(), score != 1.0, ~(score <= 1.0)):
    memory = table.filter(wanted)["picture"].to_pylist()
    read = pyarrow.parquet.read_table(pyarrow.BufferReader(file.getvalue()), filters=wanted)["picture"].to_pylist()
    print(f"{wanted!s:21} memory", memory, "file", read)
    assert memory == ["b"] and read == [], "rows of NaN are found now"
PYTHON
