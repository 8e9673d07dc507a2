"""`xai-heatmap serve`: a network on a page of this machine."""

import gc
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from xai_heatmap.apps.cli.flags import Debug

if TYPE_CHECKING:
    from xai_heatmap.jobs.serve_job import Serve
    from xai_heatmap.runners.looking.model import Model

EPILOG = """\b
Examples:
  xai-heatmap serve
  xai-heatmap serve model.onnx --preprocess imagenet --labels classes.csv
  xai-heatmap serve torchvision:resnet50 --no-browser
  xai-heatmap serve net.py:make --weights net.safetensors --preprocess unit --port 0

\b
The first line of stdout is the link. The page is for this machine alone: it has a
token, and the server listens at 127.0.0.1. From another machine:
ssh -L 7860:127.0.0.1:7860 HOST, then open the link there. Ctrl-C ends it.

\b
MODEL is as for explain: a file, net.py:make, or a hub's name. The page needs:
pip install "xai-heatmap[web]"
"""


def serve(flags: Mapping[str, object], *, debug: Debug = False) -> int:
    """Look at a network in the browser: every layer, class and method, and a live camera.

    Drop a picture on the page, or use the camera. Without a model, two small networks that come
    with the package are shown.
    """
    return served(flags)


def served(flags: Mapping[str, object]) -> int:
    """Serve the job that the flags, the environment and the file in the current folder say."""
    gc.disable()  # until the page is ready: imports make many objects and no garbage
    try:
        from xai_heatmap.jobs.serve_job import Serve
        from xai_heatmap.jobs.settings import settled

        return on_a_page(settled(Serve, flags, environment=os.environ, folder=Path.cwd()))
    finally:
        gc.enable()


def on_a_page(job: "Serve", *, device: str | None = None, view: str = "") -> int:
    """Serve until it is interrupted; `device` is a camera of this machine that the page shows."""
    from xai_heatmap.apps.web.serving import check_extra, serve_models
    from xai_heatmap.apps.web.threads import at_work

    check_extra()
    serve_models(
        models(job), host=job.host, port=job.port, browser=job.browser, hosts=job.allow_host,
        open_to_network=job.open_to_network, max_pixels=job.max_pixels, view=view, device=device,
        told=_ready,
    )  # fmt: skip
    sys.stderr.write("stopped.\n")
    if at_work():  # nobody wants the answer; onnxruntime would abort on the way out
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0


def _ready(link: str) -> None:
    """Say the link; from here on there is garbage, none of it among what was imported."""
    sys.stdout.write(f"{link}\n")
    gc.freeze()
    gc.enable()


def models(job: "Serve") -> "dict[str, Model]":
    """The job's network, or those that come along."""
    from xai_heatmap import networks
    from xai_heatmap.apps.cli.terminal import aside
    from xai_heatmap.core.registry import find_method
    from xai_heatmap.jobs import request
    from xai_heatmap.networks.loading.demo.shipped import NAMES
    from xai_heatmap.runners.looking.model import Model
    from xai_heatmap.runners.opening import check, opened
    from xai_heatmap.sources.labels import labels

    check(job, writes=False)
    method = find_method(job.method[0]).name if job.method else None
    if job.model is None:
        return {name: Model(name, name, networks.network(name), method=method) for name in NAMES}
    with aside():
        network = opened(job)
    own = Model(
        network.name, Path(job.model).name, network, request.preparing(job), job.white,
        labels(job.labels) if job.labels else None, request.input_shape(job, network), method,
    )  # fmt: skip
    return {own.key: own}
