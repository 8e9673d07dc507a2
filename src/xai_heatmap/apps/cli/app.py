"""The commands with their flags. Importing this imports no framework, not even numpy."""

from collections.abc import Mapping
from typing import Annotated

import typer

from xai_heatmap.apps.cli import (
    audit,
    batch,
    compare,
    demo,
    drift,
    export,
    findings,
    live,
    report,
    serve,
    video,
)  # fmt: skip
from xai_heatmap.apps.cli.flags import Debug, Json, PrintConfig, Quiet, job_command

COMMANDS = (
    "explain",
    "compare",
    "report",
    "layers",
    "measure",
    "audit",
    "serve",
    "live",
    "batch",
    "video",
    "findings",
    "drift",
    "export",
    "demo",
    "methods",
    "metrics",
    "doctor",
)

app = typer.Typer(
    name="xai-heatmap",
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  xai-heatmap demo
  xai-heatmap explain dog.jpg --model torchvision:resnet50
  xai-heatmap explain *.jpg --model model.keras --preprocess imagenet --out maps
  xai-heatmap compare dog.jpg --model model.keras --layers all
  xai-heatmap audit model.onnx photographs/ --preprocess imagenet
  xai-heatmap serve model.onnx
  xai-heatmap report *.jpg --model model.onnx
  xai-heatmap batch photographs/ --model model.onnx --preprocess imagenet --out run
  xai-heatmap video clip.mp4 --model model.onnx --preprocess imagenet
  xai-heatmap layers model.keras
  xai-heatmap export model.onnx explainer.onnx
  xai-heatmap methods
  xai-heatmap metrics
  xai-heatmap doctor

\b
Exit codes:
  0 all well   1 some pictures failed   2 the call   3 the model   4 a picture
  5 a requirement of audit is not met   130 interrupted
""",
)


def _print_version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"xai-heatmap {version('xai-heatmap')}")
        raise typer.Exit
    return wanted


@app.callback()
def start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """What did it look at? Heatmaps for any layer of any Keras 3 or PyTorch network."""


@job_command(
    app,
    "Explain",
    short_help="Explain pictures: a heatmap each.",
    epilog="""\b
Examples:
  xai-heatmap explain dog.jpg -m torchvision:resnet50
  xai-heatmap explain dog.jpg -m model.keras --preprocess imagenet -o maps
  xai-heatmap explain dog.jpg -m net.py:make --weights net.safetensors \\
      --preprocess imagenet --labels classes.csv
  xai-heatmap explain dog.jpg -m model.keras --layer all
  xai-heatmap explain dog.jpg -m model.keras --method gradcam --method layercam
  xai-heatmap explain dog.jpg -m model.keras --target top3
  xai-heatmap explain dog.jpg -m model.keras --target "beagle-basset"
  xai-heatmap explain skin.jpg -m model.onnx --hold age=45 --hold site=site.npy
  xai-heatmap explain photo.jpg -m hf:ORG/NAME --ask "What is on the table?"
  xai-heatmap explain *.jpg -m model.keras --json > maps.json

\b
Models:
  model.keras, model.h5        read by Keras; code inside is refused
  model.onnx                   run by onnxruntime
  net.py:make                  your own Python file and a function in it
  torchvision:NAME[/WEIGHTS]   timm:NAME   keras:NAME   hf:ORG/NAME
                               from the hub; ?weights=none after the name: random

Every flag can also stand in xai-heatmap.toml in the current folder, or in a variable
such as XAI_HEATMAP_MODEL. A flag comes before a variable, a variable before the file.
""",
)
def explain(
    flags: Mapping[str, object],
    *,
    quiet: Quiet = False,
    print_config: PrintConfig = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Explain one or more pictures: a heatmap each, and what the model saw in them.

    For every picture the folder gets a PNG, the raw map as NPZ and an entry in manifest.json;
    where there are several layers, methods or targets, a contact sheet too.
    """
    from xai_heatmap.apps.cli.explain import explained

    return explained(flags, as_json=as_json, quiet=quiet, print_config=print_config)


@job_command(
    app,
    "Layers",
    short_help="List the layers that have a map.",
    epilog="""\b
Examples:
  xai-heatmap layers model.keras
  xai-heatmap layers net.py:make --size 160
  xai-heatmap layers "keras:MobileNetV2?weights=none" --all
  xai-heatmap layers model.keras --json
""",
)
def layers(
    flags: Mapping[str, object],
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Also layers without a grid, which have no map.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """List the layers that a map can be drawn of, in order of execution, and which is `auto`."""
    from xai_heatmap.apps.cli.layers import listed

    return listed(flags, every=every, as_json=as_json)


job_command(
    app,
    "Compare",
    short_help="Methods and layers side by side on one sheet.",
    epilog=compare.EPILOG,
)(compare.compare)


@job_command(
    app,
    "Measure",
    short_help="What maps are worth, beside maps that know nothing.",
    epilog="""\b
Examples:
  xai-heatmap measure dog.jpg -m torchvision:resnet50
  xai-heatmap measure dog.jpg -m net.keras --metric deletion --metric-option steps=32
  xai-heatmap measure dog.jpg -m model.keras --metric energy --mask dog-mask.png
  xai-heatmap measure dog.jpg -m model.onnx --method gradcam --method rise --json

\b
A figure never stands alone: beside it stand those of two maps that know nothing, one
the same everywhere, one of random numbers. `xai-heatmap metrics` lists the metrics.

\b
MODEL is as for explain: a file, net.py:make, or a hub's name. Flags can stand in
xai-heatmap.toml or in variables such as XAI_HEATMAP_MODEL, as for explain.
""",
)
def measure(flags: Mapping[str, object], *, as_json: Json = False, debug: Debug = False) -> int:
    """Measure the maps of pictures by metrics: against the truth, or against the network itself."""
    from xai_heatmap.apps.cli.measure import measured

    return measured(flags, as_json=as_json)


for kind, said, own in (
    ("report_job.Report", "Write pictures as a page to look at.", report),
    ("serve_job.Serve", "Look at a network in the browser.", serve),
    ("serve_job.Live", "Look through a camera, or at a video.", live),
    ("audit_job.Audit", "Check a network on its own pictures.", audit),
    ("batch_job.Batch", "Explain a whole folder or data set, resumed.", batch),
    ("video_job.Video", "Write a video with its heat, resumed.", video),
):
    job_command(app, kind, short_help=said, epilog=own.EPILOG)(
        getattr(own, kind.rpartition(".")[2].lower())
    )


for said, own, command in (
    ("What classes rest on: groups of maps, tested.", findings, findings.findings),
    ("Which classes' heat moved between two runs.", drift, drift.drift),
):
    app.command(short_help=said, epilog=own.EPILOG)(command)


job_command(app, "Export", short_help="Write model and heatmap as one file.", epilog=export.EPILOG)(
    export.export
)


app.command(short_help="See it at once: pictures and networks come along.", epilog=demo.EPILOG)(
    demo.demo
)


@app.command(
    short_help="List the methods, and when to use which.",
    epilog="""\b
Examples:
  xai-heatmap methods
  xai-heatmap methods gradcam rise
  xai-heatmap methods --json
  xai-heatmap explain dog.jpg -m model.keras --method gradcam --option relu=false
""",
)
def methods(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Methods to show in full.", metavar="[NAME]...", show_default=False),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """List the methods, when to use which and what it costs; formula and options of those named."""
    from xai_heatmap.apps.cli.methods import listed

    return listed(names or (), as_json=as_json)


@app.command(
    short_help="List the metrics of a map, and when to use which.",
    epilog="""\b
Examples:
  xai-heatmap metrics
  xai-heatmap metrics energy deletion
  xai-heatmap metrics --json
""",
)
def metrics(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Metrics to show in full.", metavar="[NAME]...", show_default=False),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """List what can be measured of a map, which figure is better and what it costs."""
    from xai_heatmap.apps.cli.metrics import listed

    return listed(names or (), as_json=as_json)


@app.command(
    short_help="Show what is installed, and what is missing.",
    epilog="""\b
Examples:
  xai-heatmap doctor
  xai-heatmap doctor --devices
  xai-heatmap doctor --json
""",
)
def doctor(
    devices: Annotated[
        bool, typer.Option("--devices", help="Import the frameworks and list their devices.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Show versions, which frameworks are installed, and how to install what is missing."""
    from xai_heatmap.apps.cli.doctor import examined

    return examined(devices=devices, as_json=as_json)
