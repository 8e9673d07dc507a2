"""`xai-heatmap export`: a model with its heatmap as an ONNX file, a page, or a folder of files."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from xai_heatmap.apps.cli.flags import Debug, Json
from xai_heatmap.core.errors import BadOption

EPILOG = """\b
Examples:
  xai-heatmap export model.onnx explainer.onnx
  xai-heatmap export html model.onnx look.html --preprocess imagenet
  xai-heatmap export web model.onnx site --preprocess imagenet
  xai-heatmap export model.keras explainer.onnx --preprocess tf --labels classes.csv
  xai-heatmap export net.py:make explainer.onnx --image-shape 3x224x224 --layer layer4
  xai-heatmap export model.onnx explainer.onnx --method layercam --layer all

\b
The file answers what the model answers, and cam_0, cam_1, ...: a raw map a layer.
Its input class_index says for which class, counted from 0; -1 is the prediction.
The metadata xai_heatmap.class_index says which there are.

\b
A page, name.html, is that file with ONNX Runtime for browsers inside (about 5 MB
more). Opened from disk it explains pictures and the camera, and asks nobody for
anything. The runtime does not come along: npm fetches it once, or --runtime names
its folder. A page carries up to 40 MB of model.

\b
export web writes a folder instead, for models of any size: index.html, model.onnx
and the runtime. Any web server hands it out, python -m http.server too; the page
asks that server alone, and pictures stay in the browser.
"""


def export(flags: Mapping[str, object], *, as_json: Json = False, debug: Debug = False) -> int:
    """Write one ONNX file that gives the prediction and its heatmap, wherever ONNX runs.

    Where OUT ends in .html it is a page that runs the network in any browser;
    after web it is a folder with that page and its files.
    """
    from xai_heatmap.apps.cli.terminal import aside, print_json, print_lines
    from xai_heatmap.exporting.export import export as exported
    from xai_heatmap.exporting.site import NAMES
    from xai_heatmap.jobs.events import FileResult
    from xai_heatmap.jobs.job import Export
    from xai_heatmap.jobs.settings import settled
    from xai_heatmap.networks.loading.folder import same_folder
    from xai_heatmap.networks.loading.load import load
    from xai_heatmap.sources.files import check_apart
    from xai_heatmap.sources.labels import labels as labels_in

    job = settled(Export, flags, environment=os.environ, folder=Path.cwd())
    for file in (job.out / name for name in NAMES) if job.web else (job.out,):
        check_apart(file, [job.labels], "Labels are")
    names = labels_in(job.labels) if job.labels else None
    with same_folder(), aside(), _progress(shown=not as_json) as progress:
        path = exported(
            load(job.model, weights=job.weights),
            job.out,
            method=job.method,
            layers=job.layer[0] if len(job.layer) == 1 else list(job.layer),
            labels=names,
            preprocess=job.preprocess,
            image_shape=_shape(job.image_shape),
            runtime=job.runtime,
            web=job.web,
            progress=progress,
        )
    size = sum((path / name).stat().st_size for name in NAMES) if job.web else path.stat().st_size
    if as_json:
        print_json(FileResult(path=str(path), bytes=size).document())
    else:
        told = f"; look at it: python -m http.server --directory {path}" if job.web else ""
        print_lines([f"wrote {path} ({size / 1e6:.1f} MB){told}"])
    return 0


@contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[str], None] | None]:
    """Context with a callback for every step: one line on a terminal, with the time gone by."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = progress.add_task("", total=None)
    with progress:
        yield lambda step: progress.update(task, description=step)


def _shape(text: str | None) -> tuple[int, ...] | None:
    """``3x224x224``."""
    if text is None:
        return None
    parts = text.casefold().split("x")
    if len(parts) != 3 or not all(part.isdecimal() and int(part) for part in parts):
        raise BadOption(
            f"--image-shape is channels x rows x columns, such as 3x224x224; received {text!r}."
        )
    return tuple(map(int, parts))
