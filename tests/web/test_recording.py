"""Recordings of the camera as Parquet, sent by a page as the maps that it saw."""

import io

import numpy as np
import pyarrow.parquet
import pytest

from xai_heatmap.runners.looking.packet import Payload, packet
from xai_heatmap.sinks.store.levels import Packed, unpacked
from xai_heatmap.sinks.store.rows import COLUMNS

MAPS = [np.float32([[0, 1, 3], [0, 0, 2]]), np.float32([[-1, 0, 3], [1, 0, 0]])]


def sent(**changed):
    payload = Payload()
    frames = [
        {
            "t": 50.0 * k, "method": "gradcam", "layer": "features", "target": "mug", "index": 3,
            "score": 1.5, "label": "mug", "probability": 0.75, "top": [3, 1], "verdict": "ok",
            "top_probability": [0.75, 0.25], "signed": False, "box": [0.0, 0.5, 9.0, 8.0],
            "shape": list(map_.shape), **payload.add(map_), **(changed if k else {}),
        }
        for k, map_ in enumerate(MAPS)
    ]  # fmt: skip
    return packet({"frames": frames}, payload)


def test_a_recording_comes_back_in_the_columns_of_a_run(page):
    got = page.post("/api/recording", content=sent())
    assert got.status_code == 200
    table = pyarrow.parquet.read_table(io.BytesIO(got.content))
    assert table.column_names == list(COLUMNS)
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == ["000000 at 0.000 s", "000001 at 0.050 s"]
    assert rows[1]["target_index"] == 3
    assert rows[1]["top"] == [3, 1]
    assert rows[1]["box"] == [0.0, 0.5, 9.0, 8.0]
    for row, map_ in zip(rows, MAPS, strict=True):
        kept = Packed(row["map"], row["map_low"], row["map_high"], row["map_shape"])
        np.testing.assert_allclose(unpacked(kept), map_, atol=3.1 / 255)


@pytest.mark.parametrize(
    "changed",
    [{"offset": 7}, {"length": 3}, {"shape": [2]}, {"shape": [-2, -3]}, {"t": "now"},
     {"top": ["mug"]}, {"method": 3}],
)  # fmt: skip
def test_a_frame_that_is_none_is_refused(page, changed):
    got = page.post("/api/recording", content=sent(**changed))
    assert (got.status_code, got.json()["code"]) == (400, "XH108")


@pytest.mark.parametrize(
    "data", [b"", b"\x05\x00\x00\x00{", b"\x02\x00\x00\x00[]", packet({"frames": []}, Payload())]
)
def test_what_is_no_recording_is_refused(page, data):
    got = page.post("/api/recording", content=data)
    assert (got.status_code, got.json()["code"]) == (400, "XH108")
