"""One process, one model, one picture after the other."""

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from xai_heatmap import networks
from xai_heatmap.core.axes import axes_of
from xai_heatmap.core.errors import (
    BadOption,
    InputError,
    ModelError,
    ModelFailed,
    NonFiniteScores,
    NotAnImage,
    OutputError,
    XaiHeatmapError,
)
from xai_heatmap.core.network import Network, Survey
from xai_heatmap.core.plain import plain
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.targets.wording import answering, parsed
from xai_heatmap.explaining.comparison import Comparison
from xai_heatmap.explaining.disturbed import check_passes
from xai_heatmap.explaining.explain import compare
from xai_heatmap.explaining.reporting import ENDINGS
from xai_heatmap.explaining.request import DEFAULT_METHOD, usual_method
from xai_heatmap.jobs import request
from xai_heatmap.jobs.events import MapsResult, Refusal, refusal
from xai_heatmap.jobs.picture_job import PictureJob
from xai_heatmap.networks.loading.folder import same_folder
from xai_heatmap.networks.loading.load import load
from xai_heatmap.render.colormaps import named
from xai_heatmap.runners.failing import running
from xai_heatmap.sources.files import a_folder
from xai_heatmap.sources.frames import Frame, pictures
from xai_heatmap.sources.labels import labels as labels_in
from xai_heatmap.sources.pixels import check_white
from xai_heatmap.sources.preprocess import Preprocess


@dataclass(frozen=True)
class Row:
    """Result of one image of a job.

    Parameters
    ----------
    image
        As it was named.
    comparison
        Its explanations, None where there is an error.
    error
        Why there are none.
    key
        Of its frame.
    pictures, sheet
        What was written: one picture an explanation, and one of all where there are several.
    seconds
        How long it took, by stage.
    """

    image: str
    comparison: Comparison | None = None
    error: XaiHeatmapError | None = None
    key: str = ""
    pictures: Sequence[Path] = ()
    sheet: Path | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    def event(self, job: PictureJob) -> MapsResult | Refusal:
        """The row in plain values, for pages, other processes and ``--json``."""
        if self.error is not None:
            return refusal(
                self.error, key=self.key, image=self.image, model=job.model, job="explain"
            )
        files = zip(self.comparison or (), self.pictures, strict=True)
        return MapsResult(
            key=self.key,
            image=self.image,
            model=job.model,
            explanations=[
                plain(one.to_dict())
                | {"picture": str(path), "arrays": str(path.with_suffix(".npz"))}
                for one, path in files
            ],
            sheet=str(self.sheet) if self.sheet else None,
            seconds=dict(self.seconds),
        )


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


def surveyed(network: Network, job: PictureJob) -> Survey:
    """The network at the job's input size: the model's own code runs here for the first time.

    Raises
    ------
    ModelError
        For whatever that code raises.
    """
    shape = request.input_shape(job, network)
    try:
        with same_folder():
            return network.survey(shape)
    except XaiHeatmapError:
        raise
    except (Exception, SystemExit) as error:  # a model may call sys.exit(), too
        size = "x".join(map(str, shape))
        raise ModelError(
            f"The model failed on an input of {size}: {type(error).__name__}: "
            f"{str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}. "
            "Say the input that it takes with --size ROWSxCOLUMNS; --debug shows where it failed."
        ) from error


def run(job: PictureJob, network: Network, *, done: Collection[str] = ()) -> Iterator[Row]:
    """Explain one picture after the other; one that can't be read is a row with an error.

    Parameters
    ----------
    job, network
        What is asked, and of which network.
    done
        Keys of frames that a run before this one has done.

    Raises
    ------
    XaiHeatmapError
        For whatever would go wrong with every picture.
    """
    names = labels_in(job.labels) if job.labels else network.declared.labels or ()
    targets = [choice for word in job.target for choice in parsed(word, names)]
    survey = surveyed(network, job)
    methods = job.method or (usual_method(network, survey),)
    ask = partial(
        compare,
        network,
        methods=methods,
        layers=request.layers(job.layer),
        targets=targets,
        preprocess=request.preparing(job),
        white=job.white,
        labels=names if job.labels else None,
        options=request.options(job, methods),
        test=job.test,
        passes=job.passes,
        guard=job.guard,
    )
    for frame in pictures(job.images, done=done):
        try:
            yield _explained(job, ask, frame, network=network)
        except (InputError, NonFiniteScores, ModelFailed) as error:
            yield Row(frame.path, error=error, key=frame.key)


def _explained(
    job: PictureJob, ask: Callable[..., Comparison], frame: Frame, *, network: Network
) -> Row:
    start = time.perf_counter()
    given = request.looked_at(frame.path, network, job)
    decoded = time.perf_counter()
    with running(network.name):
        comparison = Comparison(tuple(replace(one, name=frame.name) for one in ask(given)))
    explained = time.perf_counter()
    saved = comparison.save(job.out, draw=request.drawing(job), caption=job.caption)
    written = time.perf_counter()
    return Row(
        frame.path,
        comparison,
        key=frame.key,
        pictures=saved[: len(comparison)],
        sheet=saved[-1] if len(saved) > len(comparison) else None,
        seconds={
            "read": decoded - start,
            "explain": explained - decoded,
            "draw and write": written - explained,
        },
    )


def check_folder(folder: Path) -> None:
    """Refuse a folder that can't be made or written to, before the work.

    Raises
    ------
    OutputError
        That says why.
    """
    near = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not near.is_dir():
        raise OutputError(
            f"Results go to a folder; {str(near)!r} is a file. Choose another with --out."
        )
    if not os.access(near, os.W_OK):
        raise OutputError(
            f"Results were to go to {str(folder)!r}, but you may not write to {str(near)!r}. "
            "Choose another folder with --out, or change its permissions."
        )
