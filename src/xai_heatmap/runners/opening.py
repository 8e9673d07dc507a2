"""What can be found wrong with a job before its network runs, and the network that it names."""

from collections.abc import Sequence
from pathlib import Path

from xai_heatmap import networks
from xai_heatmap.core.axes import axes_of
from xai_heatmap.core.errors import BadOption, NotAnImage
from xai_heatmap.core.network import Network
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.targets.wording import answering
from xai_heatmap.core.tested import check_passes
from xai_heatmap.explaining.request import DEFAULT_METHOD
from xai_heatmap.jobs import request
from xai_heatmap.jobs.picture_job import PictureJob
from xai_heatmap.networks.loading.folder import same_folder
from xai_heatmap.networks.loading.load import load
from xai_heatmap.render.colormaps import named
from xai_heatmap.sinks.refused import check_folder
from xai_heatmap.sources.files import a_folder
from xai_heatmap.sources.labels import labels as labels_in
from xai_heatmap.sources.pixels import check_white
from xai_heatmap.sources.preprocess import Preprocess


def check(job: PictureJob, *, writes: bool = True) -> None:
    """Whatever can be found wrong without the model is found before the model is loaded; whether
    the folder can be written to, of a job that writes.
    """
    _check_images(job.images)
    for name in job.method:
        find_method(name)
    request.options(job, job.method or (DEFAULT_METHOD,))
    request.held(job)
    if job.colormap is not None:
        named(job.colormap)
    if job.alpha is not None and not 0 <= job.alpha <= 1:
        raise BadOption(f"alpha is an opacity in [0, 1]; received {job.alpha}.")
    check_passes(job.passes)
    if job.white is not None:
        check_white(job.white)
    if job.max_pixels < 1:
        raise BadOption(f"max-pixels is at least 1; received {job.max_pixels}.")
    _check_fit(job)
    Preprocess.from_dict({"mode": job.preprocess or "imagenet"} | request.preprocessing(job))
    if job.labels is not None:
        labels_in(job.labels)
    answering(job.answers)
    if job.axes is not None:
        axes_of(job.axes)
    if writes:
        from xai_heatmap.explaining.reporting import ENDINGS  # with the viewer of reports

        if job.out.suffix.lower() in ENDINGS:
            raise BadOption(
                f"Results go to a folder; {str(job.out)!r} is the name of a page. `xai-heatmap "
                "report PICTURE --model MODEL --out NAME.html` writes one."
            )
        check_folder(job.out)


def _check_images(images: Sequence[str]) -> None:
    if images and all(Path(one).is_dir() for one in images):
        raise NotAnImage(a_folder(Path(images[0])))


def _check_fit(job: PictureJob) -> None:
    if job.crop is not None and job.fit not in (None, "crop", "squash"):
        raise BadOption(
            f"--crop goes with --fit crop or squash; received --fit {job.fit}. Leave one out."
        )
    if job.size is not None and min(job.size) < 1:
        raise BadOption(f"size is rows x columns, each at least 1; received {job.size}.")


def opened(job: PictureJob) -> Network:
    """The job's network."""
    with same_folder():
        loaded = load(job.model or "", weights=job.weights, texts=bool(job.text))
    return networks.network(
        loaded,
        answers=answering(job.answers),
        held=request.held(job),
        picture=request.picture(job),
        axes=job.axes,
    )
