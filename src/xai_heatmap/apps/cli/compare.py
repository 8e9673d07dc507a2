"""`xai-heatmap compare`: methods and layers side by side on one sheet."""

from collections.abc import Mapping

from xai_heatmap.apps.cli.flags import Debug, Json

EPILOG = """\b
Examples:
  xai-heatmap compare dog.jpg -m torchvision:resnet50
  xai-heatmap compare dog.jpg -m model.keras --methods gradcam,layercam,rise
  xai-heatmap compare dog.jpg -m model.keras --methods gradcam,layercam --layers all
  xai-heatmap compare dog.jpg -m model.onnx --layers "*Relu*" --rows 30
  xai-heatmap compare dog.jpg -m model.keras --target top3

\b
One row a layer, one column a method; below each map stands its verdict. Where a
method refuses a layer, its place says why, and the others go on. Layers with one and
the same output share a row. Sheets of more than 12 rows go on further pages.

\b
MODEL is as for explain: a file, net.py:make, or a hub's name. Flags can stand in
xai-heatmap.toml or in variables such as XAI_HEATMAP_MODEL, as for explain.
"""


def compare(flags: Mapping[str, object], *, as_json: Json = False, debug: Debug = False) -> int:
    """Write one sheet of a picture: every method at every layer that is asked for."""
    from xai_heatmap.apps.cli.comparing import compared

    return compared(flags, as_json=as_json)
