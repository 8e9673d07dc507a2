"""Maps that a page saw of a camera, as Parquet in the columns of a run."""

import io
from collections.abc import Mapping
from typing import Any

from xai_heatmap.core.errors import BadOption
from xai_heatmap.sinks.store.rows import Row, parquet, schema

FRAMES = 100_000
"""Rows of one recording, at most."""


def recorded(header: Mapping[str, Any], payload: bytes) -> bytes:
    """A Parquet file with a row for every map of a recording.

    Parameters
    ----------
    header
        ``frames``: of each map the time ``t`` in milliseconds, and what a packet says of it.
    payload
        Levels of all maps, found by ``offset`` and ``length``.

    Raises
    ------
    BadOption
        For what is no recording.
    OutputError
        Without pyarrow.
    """
    arrow, files = parquet()
    frames: Any = header.get("frames")
    if not isinstance(frames, list) or not 0 < len(frames) <= FRAMES:
        raise BadOption(f"A recording has a list of frames, 1 to {FRAMES} of them.")
    try:
        rows = [_row(number, own, payload) for number, own in enumerate(frames)]
        table = arrow.Table.from_pylist(rows, schema=schema({"kind": "recording"}))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadOption(
            f"A frame of the recording is none: {type(error).__name__}: {error}."
        ) from error
    written = io.BytesIO()
    files.write_table(table, written, compression="zstd")
    return written.getvalue()


def _row(number: int, own: Mapping[str, Any], payload: bytes) -> Row:
    start, length, shape = int(own["offset"]), int(own["length"]), list(own["shape"])
    rows, columns = shape
    if (
        min(start, rows - 1, columns - 1) < 0
        or start + length > len(payload)
        or length != rows * columns
    ):
        raise ValueError(f"frame {number} has no {rows} x {columns} levels")
    return {
        "id": f"{number:06d} at {float(own['t']) / 1e3:.3f} s",
        "uri": "camera",
        "prediction": own.get("label"),
        "probability": own.get("probability"),
        "top": own.get("top"),
        "top_probability": own.get("top_probability"),
        "target": own["target"],
        "target_index": own.get("index"),
        "score": own.get("score"),
        "verdict": own.get("verdict"),
        "method": own["method"],
        "layer": own["layer"],
        "map": payload[start : start + length],
        "map_type": "uint8",
        "map_low": float(own["lo"]),
        "map_high": float(own["hi"]),
        "map_shape": shape,
        "signed": own.get("signed"),
        "box": own.get("box"),
    }
