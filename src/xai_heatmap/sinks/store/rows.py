"""Rows of a run and their columns: one explanation each, or the reason that there is none."""

from collections.abc import Mapping
from typing import Any

from xai_heatmap.core.errors import OutputError, XaiHeatmapError
from xai_heatmap.core.layers.placing import Extent
from xai_heatmap.core.plain import whole_text

Row = dict[str, Any]
"""Values of one row by column; what is not there is null."""

TEXT, WHOLE, REAL, TRUE, BYTES = "string", "int32", "float32", "bool", "binary"
WHOLES, REALS, LONG_REALS = "list<int32>", "list<float32>", "list<float64>"

COLUMNS: Mapping[str, tuple[str, str]] = {
    "id": (TEXT, "name of the picture, which no other row has"),
    "uri": (TEXT, "where the picture lies"),
    "label": (TEXT, "what was said to be on it"),
    "prediction": (TEXT, "name of the likeliest class"),
    "probability": (REAL, "of the likeliest class"),
    "top": (WHOLES, "numbers of the likeliest classes, most likely first"),
    "top_probability": (REALS, "theirs"),
    "target": (TEXT, "what is explained"),
    "target_index": (WHOLE, "number of the class that it is about"),
    "score": (REAL, "the number that is explained"),
    "verdict": (TEXT, "what the map is worth, in one word"),
    "verdict_figure": (REAL, "the number behind that word"),
    "method": (TEXT, "how the map was made"),
    "layer": (TEXT, "at which layer"),
    "map": (BYTES, "the map, row by row"),
    "map_type": (
        TEXT,
        "uint8, of which level q is map_low + q (map_high - map_low) / 255; float32",
    ),
    "map_low": ("float64", "what level 0 stands for"),
    "map_high": ("float64", "what level 255 stands for"),
    "map_shape": (WHOLES, "rows and columns of the map"),
    "signed": (TRUE, "whether values below 0 are evidence against"),
    "meaning": (TEXT, "what scores are: logits, probabilities, ..."),
    "layer_kind": (TEXT, "class or operator of the layer"),
    "layer_shape": (WHOLES, "feature maps and grid of the layer"),
    "image_size": (WHOLES, "rows and columns of the picture"),
    "box": (LONG_REALS, "left, top, right, bottom of what the network saw, in pixels"),
    "input_size": (WHOLES, "rows and columns of what the network was given"),
    "matrix": (LONG_REALS, "six numbers, of a picture that was flipped or turned"),
    "extent": (
        LONG_REALS,
        "start and stop of the map's cells on the input, rows and then columns; null: all of it",
    ),
    "seconds": (REAL, "reading and preparing the picture, and its share of its batch"),
    "error": (TEXT, "why there is no map"),
    "error_code": (TEXT, "the error's code"),
}
"""Every column with its Arrow type and its meaning."""

REPEATED = [
    *("prediction", "target", "verdict", "method", "layer", "map_type", "meaning", "layer_kind"),
    *("label", "error_code"),
]
"""Columns whose values come again and again."""


def parquet():
    """The modules pyarrow and pyarrow.parquet.

    Raises
    ------
    OutputError
        Where they are not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise OutputError(
            "Runs are stored as Parquet, which needs pyarrow: pip install 'xai-heatmap[batch]'."
        ) from None
    return pyarrow, pyarrow.parquet


def schema(metadata: Mapping[str, str] | None = None):
    """Arrow schema of a part, with facts about all of its rows."""
    arrow, _ = parquet()
    kinds = {
        TEXT: arrow.string(), WHOLE: arrow.int32(), REAL: arrow.float32(), TRUE: arrow.bool_(),
        BYTES: arrow.binary(), WHOLES: arrow.list_(arrow.int32()), "float64": arrow.float64(),
        REALS: arrow.list_(arrow.float32()), LONG_REALS: arrow.list_(arrow.float64()),
    }  # fmt: skip
    fields = [arrow.field(name, kinds[kind]) for name, (kind, _) in COLUMNS.items()]
    return arrow.schema(fields, metadata=dict(metadata or {}))


def failed(row: Row, error: XaiHeatmapError, *, seconds: float = 0.0) -> Row:
    """The row of a picture that can't be explained."""
    return row | {
        "seconds": seconds,
        "error": whole_text(str(error)),
        "error_code": error.code,
    }


def extent_of(row: Row) -> Extent | None:
    """Where the map's cells lie; older runs say nothing of it."""
    ends = row.get("extent")
    return None if ends is None else tuple(zip(ends[::2], ends[1::2], strict=True))
