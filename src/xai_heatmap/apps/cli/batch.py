"""`xai-heatmap batch`: a row for each picture of a source, resumed where it stopped."""

from collections.abc import Mapping

from xai_heatmap.apps.cli.flags import Debug, Events, PrintConfig, Quiet

EPILOG = """\b
Examples:
  xai-heatmap batch photographs/ -m torchvision:resnet50 --out run
  xai-heatmap batch "shards/*.tar" -m model.onnx --preprocess imagenet -o run
  xai-heatmap batch list.parquet -m net.py:make --runner processes --workers 4
  xai-heatmap batch photographs/ -m model.onnx --png --max-errors 1%
  xai-heatmap batch status run
  xai-heatmap batch retry run

\b
The same command goes on where a run was stopped, killed or full: finished shards
stay, no row comes twice. With another setting it refuses. `retry` tries the errors
again. Rows lie in RUN/rows/part-*.parquet, for pandas, polars and DuckDB.

\b
MODEL is as for explain: a file, net.py:make, or a hub's name. Flags can stand in
xai-heatmap.toml or in variables such as XAI_HEATMAP_MODEL, as for explain.
"""


def batch(
    flags: Mapping[str, object],
    *,
    quiet: Quiet = False,
    print_config: PrintConfig = False,
    as_json: Events = False,
    debug: Debug = False,
) -> int:
    """Explain every picture of a source: one row each, as Parquet, in the folder of a run."""
    from xai_heatmap.apps.cli.batching import batched

    return batched(flags, as_json=as_json, quiet=quiet, print_config=print_config)
